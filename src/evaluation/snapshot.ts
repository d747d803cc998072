/** The figures of one training snapshot against the training images. */
import type { OnProgress } from '../core/progress.js';
import { classAssignment } from '../generation/classes.js';
import { warmSampler } from '../generation/index.js';
import type { SnapshotInput } from '../spec/compute-tasks.js';
import type { CheckpointRef, CurvePoint, DatasetRef } from '../spec/results.js';
import type { ObjectStore } from '../storage/index.js';
import { DISTANCES, Sample } from './compare.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';

/** Every snapshot is evaluated by the same latents and classes, so its curve shows the generator and not the draw. */
const SEED = 0;
const CHUNK = 64;
/** Training images that a snapshot is compared with, at most. */
const MAX_REAL_IMAGES = 50_000;

/** One point for each of `train.snapshotMetrics`: the averaged generator's images, without truncation, against the training set. */
export async function evaluateSnapshot(
  store: ObjectStore,
  input: SnapshotInput,
  onProgress: OnProgress,
): Promise<CurvePoint[]> {
  const { dataset, train, snapshot } = input;
  if (train.snapshotMetrics.length === 0) return [];
  const real = await trainingSample(store, dataset, onProgress);
  const images = generated(store, snapshot, train.snapshotImages);
  const features = await extractFeatures(images, (done) =>
    onProgress({ done, total: train.snapshotImages, unit: 'images' }),
  );
  const synthetic = new Sample(features);
  const points: CurvePoint[] = [];
  for (const metric of train.snapshotMetrics) {
    const report = () =>
      onProgress({ done: points.length, total: train.snapshotMetrics.length, unit: 'figures' });
    points.push({ kimg: snapshot.kimg, metric, value: await DISTANCES[metric](synthetic, real, report) });
  }
  return points;
}

let warm: { key: string; sample: Sample } | null = null;

/** Kept in memory from one snapshot to the next: its statistics take longer than those of the snapshot. */
async function trainingSample(
  store: ObjectStore,
  { prefix, digest }: DatasetRef,
  onProgress: OnProgress,
): Promise<Sample> {
  const key = `${store.uri}\n${digest}`;
  if (warm?.key === key) return warm.sample;
  const set = await openImageSet(store, { set: 'train', prefix });
  const sample = new Sample(await setFeatures(store, set, MAX_REAL_IMAGES, onProgress));
  warm = { key, sample };
  return sample;
}

async function* generated(
  store: ObjectStore,
  snapshot: CheckpointRef,
  count: number,
): AsyncGenerator<SquareImage> {
  const sampler = await warmSampler(store, snapshot.prefix);
  const labelOf = classAssignment('as-real', sampler.classes, SEED);
  const { resolution, channels } = sampler;
  for (let from = 0; from < count; from += CHUNK) {
    const places = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => from + i);
    const images = await sampler.generate(
      places.map((place) => SEED + place),
      places.map(labelOf),
      1,
    );
    for (const pixels of images) yield { resolution, channels, pixels };
  }
}
