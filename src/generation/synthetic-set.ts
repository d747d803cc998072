/**
 * Generates synthetic sets in the object store: shards of images by seed, a list of images for each
 * shard, the data card, and the manifest.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../core/scratch.js';
import { StoreError } from '../core/errors.js';
import type { OnProgress } from '../core/progress.js';
import { writeStoredZip, type ZipFileContent } from '../imaging/dataset/stored-zip.js';
import type { SyntheticInput } from '../spec/compute-tasks.js';
import type { GenerateSpec } from '../spec/generate.js';
import type { GenerateResult } from '../spec/results.js';
import { findJson, getJson, putJson } from '../storage/json.js';
import { putPart, type ManifestPart } from '../storage/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { classAssignment } from './classes.js';
import { putDataCard } from './stored-card.js';
import { encodeRawPng, tile } from './image-grid.js';
import { encodeSynthetic, syntheticName } from './synthetic-image.js';
import type { Sampler } from './sampler.js';
import {
  type ShardList,
  shardListSchema,
  type SyntheticManifest,
  syntheticPrefix,
} from './synthetic-manifest.js';
import { warmSampler } from './warm-sampler.js';

const GRID = 'grid.png';
const GRID_COLUMNS = 8;
const GRID_ROWS = 8;
const CHUNK = 64;

/** Range of the images of a shard within the set; `end` is exclusive. */
export function shardRange(
  { count, shardImages }: GenerateSpec,
  shard: number,
): { first: number; end: number } {
  return { first: shard * shardImages, end: Math.min(count, (shard + 1) * shardImages) };
}

/** Generates one shard, then its list. Idempotent: a shard whose list exists is kept. */
export async function generateShard(
  store: ObjectStore,
  input: SyntheticInput & { shard: number },
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  const { generate, shard } = input;
  const prefix = syntheticPrefix(input.runId, input.digest);
  if (await findJson(store, `${prefix}${listKey(shard)}`, shardListSchema)) return;
  const sampler = await warmSampler(store, input.checkpoint.prefix);
  const labelOf = classAssignment(generate.classes, sampler.classes, generate.seed);
  const { first, end } = shardRange(generate, shard);
  const images: ShardList['images'] = [];
  async function* files(): AsyncGenerator<ZipFileContent> {
    for (let from = first; from < end; from += CHUNK) {
      const indices = range(from, Math.min(end, from + CHUNK));
      const chunk = indices.map((index) => ({ seed: generate.seed + index, label: labelOf(index) }));
      const pixels = await sampler.generate(
        chunk.map(({ seed }) => seed),
        chunk.map(({ label }) => label),
        generate.truncationPsi,
      );
      for (const [i, { seed, label }] of chunk.entries()) {
        const name = syntheticName(generate.format, seed);
        const image = sampler.raw(pixels[i] as Uint8Array);
        yield { name, bytes: await encodeSynthetic(generate.format, image, { set: prefix, seed }) };
        images.push({ name, seed, label });
      }
      onProgress({ done: images.length, total: end - first, unit: 'images' });
    }
  }
  const archive = await storeArchive(store, prefix, archiveKey(shard), files());
  await putJson(store, `${prefix}${listKey(shard)}`, { shard, archive, images } satisfies ShardList);
}

/** Writes the archive to a local file first, so that memory stays constant. */
async function storeArchive(
  store: ObjectStore,
  prefix: string,
  key: string,
  files: AsyncIterable<ZipFileContent>,
): Promise<ManifestPart> {
  const folder = await makeScratchFolder('shard');
  try {
    const file = path.join(folder, key);
    await writeStoredZip(file, files);
    return await putPart(store, prefix, key, { file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes grid and manifest of a set whose shards exist. @throws StoreError when one is missing. */
export async function assembleSynthetic(
  store: ObjectStore,
  input: SyntheticInput,
  onProgress: OnProgress = () => undefined,
): Promise<GenerateResult> {
  const { generate, digest, checkpoint } = input;
  const prefix = syntheticPrefix(input.runId, digest);
  const sampler = await warmSampler(store, checkpoint.prefix);
  const shardCount = Math.ceil(generate.count / generate.shardImages);
  const shards: SyntheticManifest['shards'] = [];
  const counts = sampler.classes?.map(() => 0) ?? null;
  for (let shard = 0; shard < shardCount; shard++) {
    // Memory holds one list at a time.
    const { archive, images } = await getJson(store, `${prefix}${listKey(shard)}`, shardListSchema);
    for (const { label } of images) if (counts && label !== null) counts[label] = (counts[label] ?? 0) + 1;
    await requireArchive(store, prefix, archive);
    shards.push({
      ...archive,
      images: images.length,
      firstSeed: images[0]?.seed ?? generate.seed,
      list: listKey(shard),
    });
    onProgress({ done: shard + 1, total: shardCount, unit: 'shards' });
  }
  await store.put(`${prefix}${GRID}`, await drawGrid(sampler, generate), { contentType: 'image/png' });
  const manifest: SyntheticManifest = {
    version: 1,
    digest,
    images: shards.reduce((sum, { images }) => sum + images, 0),
    resolution: sampler.resolution,
    channels: sampler.channels,
    classes: sampler.classes?.map(({ name }) => name) ?? null,
    counts,
    checkpoint,
    seed: generate.seed,
    truncationPsi: generate.truncationPsi,
    grid: GRID,
    card: generate.card,
    shards,
  };
  await putDataCard(store, prefix, { manifest, evaluation: null });
  await putJson(store, `${prefix}manifest.json`, manifest);
  return { stage: 'generate', prefix, digest, images: manifest.images };
}

async function requireArchive(
  store: ObjectStore,
  prefix: string,
  { key, bytes }: ManifestPart,
): Promise<void> {
  if ((await store.head(`${prefix}${key}`))?.bytes === bytes) return;
  throw new StoreError({
    what: 'is missing or differs in size from the archive that was written',
    where: `${prefix}${key}`,
    hint: 'Delete its .json and generate again.',
  });
}

/** The first images of the set; conditional ones in the order of their classes. */
async function drawGrid(sampler: Sampler, generate: GenerateSpec): Promise<Uint8Array> {
  const labelOf = classAssignment(generate.classes, sampler.classes, generate.seed);
  const shown = range(0, Math.min(generate.count, GRID_COLUMNS * GRID_ROWS))
    .map((index) => ({ seed: generate.seed + index, label: labelOf(index) }))
    .sort((a, b) => (a.label ?? 0) - (b.label ?? 0) || a.seed - b.seed);
  const images = await sampler.generate(
    shown.map(({ seed }) => seed),
    shown.map(({ label }) => label),
    generate.truncationPsi,
  );
  return encodeRawPng(
    tile(images, Math.min(GRID_COLUMNS, images.length), sampler.resolution, sampler.channels),
  );
}

function archiveKey(shard: number): string {
  return `synthetic-${String(shard).padStart(5, '0')}.zip`;
}

function listKey(shard: number): string {
  return `synthetic-${String(shard).padStart(5, '0')}.json`;
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
