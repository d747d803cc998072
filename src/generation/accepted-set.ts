/**
 * Writes the accepted images of a synthetic set as a set of its own: archives, lists, data card and
 * manifest. The set that they come from stays as it is.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { OnProgress } from '../core/progress.js';
import { makeScratchFolder } from '../core/scratch.js';
import { decodeStored, openShard, writeStoredZip, type ZipFileContent } from '../imaging/index.js';
import type { AcceptedSet } from '../spec/results.js';
import { downloadVerified, getJson, joinKey, type ObjectStore, putJson, putPart } from '../storage/index.js';
import type { CardEvaluation } from './data-card.js';
import { encodeRawPng, tile } from './image-grid.js';
import { putDataCard } from './stored-card.js';
import {
  type ShardList,
  shardListSchema,
  type SyntheticManifest,
  syntheticManifestSchema,
} from './synthetic-manifest.js';

const GRID_COLUMNS = 8;
const GRID_IMAGES = 64;

export interface Selection {
  /** Key prefix of the set that is filtered. */
  from: string;
  /** Key prefix and digest of the set of accepted images. */
  prefix: string;
  digest: string;
  rejectAbove: number;
  /** Number of images that were judged, the first of the set. Others are not accepted. */
  judged: number;
  /** Positions of the rejected images. */
  rejected: readonly number[];
  evaluation: CardEvaluation;
}

/**
 * Idempotent: the archives depend on the set and the rejected images alone, and the manifest is
 * written last.
 *
 * @returns null when no image is accepted
 */
export async function writeAcceptedSet(
  store: ObjectStore,
  selection: Selection,
  onProgress: OnProgress,
): Promise<AcceptedSet | null> {
  const { from, prefix, digest, rejectAbove, judged, evaluation } = selection;
  const original = await getJson(store, joinKey(from, 'manifest.json'), syntheticManifestSchema);
  const rejected = new Set(selection.rejected);
  const copied: CopiedShards = { shards: [], counts: original.counts?.map(() => 0) ?? null, shown: [] };
  let first = 0;
  for (const [i, shard] of original.shards.entries()) {
    const isAccepted = (at: number) => first + at < judged && !rejected.has(first + at);
    await copyShard(store, { from, prefix, original, shard, isAccepted }, copied);
    first += shard.images;
    onProgress({ done: i + 1, total: original.shards.length, unit: 'shards' });
  }
  const images = copied.shards.reduce((sum, shard) => sum + shard.images, 0);
  if (images === 0) return null;
  const { resolution, channels } = original;
  const grid = encodeRawPng(
    tile(copied.shown, Math.min(GRID_COLUMNS, copied.shown.length), resolution, channels),
  );
  await store.put(joinKey(prefix, original.grid), await grid, { contentType: 'image/png' });
  const manifest: SyntheticManifest = {
    ...original,
    digest,
    images,
    counts: copied.counts,
    shards: copied.shards,
    selection: { from, rejectAbove, images: original.images, judged, rejected: rejected.size },
  };
  await putDataCard(store, prefix, { manifest, evaluation });
  await putJson(store, joinKey(prefix, 'manifest.json'), manifest);
  return { prefix, digest, images };
}

interface CopiedShards {
  shards: SyntheticManifest['shards'];
  counts: number[] | null;
  /** Pixels of the first images, for the grid. */
  shown: Uint8Array[];
}

interface CopiedShard {
  from: string;
  prefix: string;
  original: SyntheticManifest;
  shard: SyntheticManifest['shards'][number];
  /** @param at position within the shard */
  isAccepted: (at: number) => boolean;
}

/** Copies the accepted files of an archive. A shard without any is left out. */
async function copyShard(
  store: ObjectStore,
  { from, prefix, original, shard, isAccepted }: CopiedShard,
  copied: CopiedShards,
): Promise<void> {
  const list = await getJson(store, joinKey(from, shard.list), shardListSchema);
  const images = list.images.filter((_, at) => isAccepted(at));
  const [first] = images;
  if (!first) return;
  const folder = await makeScratchFolder('accepted');
  try {
    const source = path.join(folder, 'source');
    await downloadVerified(store, joinKey(from, shard.key), source, shard);
    const archive = await openShard(source);
    const shape = {
      width: original.resolution,
      height: original.resolution,
      channels: original.channels,
    };
    async function* files(): AsyncGenerator<ZipFileContent> {
      for (const { name } of images) {
        const bytes = await archive.read(name);
        if (copied.shown.length < GRID_IMAGES) copied.shown.push(await decodeStored(bytes, shape, name));
        yield { name, bytes };
      }
    }
    const target = path.join(folder, 'target');
    await writeStoredZip(target, files());
    const part = await putPart(store, prefix, shard.key, { file: target });
    await putJson(store, joinKey(prefix, shard.list), {
      shard: list.shard,
      archive: part,
      images,
    } satisfies ShardList);
    copied.shards.push({ ...part, images: images.length, firstSeed: first.seed, list: shard.list });
    for (const { label } of images)
      if (copied.counts && label !== null) copied.counts[label] = (copied.counts[label] ?? 0) + 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
