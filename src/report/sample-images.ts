/** Images for the page: some of each class, and previews of the training. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { findManifest, listSnapshots } from '../checkpoints/index.js';
import { makeScratchFolder } from '../core/scratch.js';
import {
  shardListSchema,
  type SyntheticManifest,
  syntheticManifestSchema,
} from '../generation/synthetic-manifest.js';
import { encodePng, openDataset, openShard, storedAsPng } from '../imaging/index.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { CheckpointRef, DatasetRef, GenerateResult } from '../spec/results.js';
import { downloadVerified, getJson } from '../storage/index.js';
import type { ObjectStore } from '../storage/object-store.js';
import { IMAGES_PER_CLASS } from './drawn-figures.js';
import type { ClassRow, ReportInput } from './report-input.js';

export const MAX_CLASSES = 12;
const MAX_PREVIEWS = 8;
/** Maximum number of real images read to find images of each class. */
const MAX_IMAGES_SEARCHED = 5_000;

export async function classRows(store: ObjectStore, run: EvaluateInput): Promise<ClassRow[]> {
  const names: (string | null)[] = run.dataset.classes?.slice(0, MAX_CLASSES) ?? [null];
  const [real, synthetic] = await Promise.all([
    realImages(store, run.dataset, names.length),
    syntheticImages(store, run.synthetic, names.length),
  ]);
  const unlabeled = synthetic.length < names.length;
  return names.map((name, label) => ({
    name,
    real: real[label] ?? [],
    synthetic: synthetic[unlabeled ? 0 : label] ?? [],
  }));
}

async function realImages(
  store: ObjectStore,
  { prefix, resolution, channels }: DatasetRef,
  classes: number,
): Promise<Uint8Array[][]> {
  const found: Uint8Array[][] = Array.from({ length: classes }, () => []);
  const dataset = await openDataset(store, prefix);
  let seen = 0;
  for await (const { label, pixels } of dataset.images('train')) {
    const row = found[label ?? 0];
    if (row && row.length < IMAGES_PER_CLASS)
      row.push(await encodePng(pixels, resolution, resolution, channels));
    if (++seen >= MAX_IMAGES_SEARCHED || found.every((images) => images.length >= IMAGES_PER_CLASS)) break;
  }
  return found;
}

async function syntheticImages(
  store: ObjectStore,
  { prefix }: GenerateResult,
  classes: number,
): Promise<Uint8Array[][]> {
  const manifest: SyntheticManifest = await getJson(store, `${prefix}manifest.json`, syntheticManifestSchema);
  const found: Uint8Array[][] = Array.from({ length: manifest.classes ? classes : 1 }, () => []);
  const shape = { width: manifest.resolution, height: manifest.resolution, channels: manifest.channels };
  const folder = await makeScratchFolder('report');
  try {
    for (const shard of manifest.shards) {
      const list = await getJson(store, `${prefix}${shard.list}`, shardListSchema);
      const file = path.join(folder, 'shard.zip');
      await downloadVerified(store, `${prefix}${shard.key}`, file, shard);
      const archive = await openShard(file);
      for (const { name, label } of list.images) {
        const row = found[label ?? 0];
        if (row && row.length < IMAGES_PER_CLASS)
          row.push(await storedAsPng(await archive.read(name), shape));
      }
      if (found.every((images) => images.length >= IMAGES_PER_CLASS)) break;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

/** Previews of the checkpoint's training, evenly spaced, including the first and the last. */
export async function previews(
  store: ObjectStore,
  { prefix }: CheckpointRef,
): Promise<ReportInput['progression']> {
  const runId = /^runs\/(.+)\/train\//.exec(prefix)?.[1];
  if (!runId) return [];
  const snapshots = await listSnapshots(store, runId);
  const count = Math.min(MAX_PREVIEWS, snapshots.length);
  const indices = Array.from({ length: count }, (_, i) =>
    Math.round((i * (snapshots.length - 1)) / Math.max(1, count - 1)),
  );
  const chosen = [...new Set(indices)].map((index) => snapshots[index] as CheckpointRef);
  const shown: ReportInput['progression'] = [];
  for (const { kimg, prefix: checkpoint } of chosen) {
    const manifest = await findManifest(store, checkpoint);
    const preview = manifest?.parts['preview.png'];
    if (preview)
      shown.push({
        kimg,
        png: await store.get(
          preview.key.startsWith(checkpoint) ? preview.key : `${checkpoint}${preview.key}`,
        ),
      });
  }
  return shown;
}
