/** Computes the metrics of one training snapshot against the training images. */
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

/**
 * Every snapshot is evaluated with the same latents and classes, so the curve depends only on the
 * generator.
 */
const SEED = 0;
const CHUNK = 64;
/** Maximum number of training images that a snapshot is compared with. */
const MAX_REAL_IMAGES = 50_000;

/**
 * Compares the images of the generator's moving average, without truncation, with the training set.
 *
 * @returns one point for each of `train.snapshotMetrics`
 */
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
      onProgress({ done: points.length, total: train.snapshotMetrics.length, unit: 'metrics' });
    points.push({ kimg: snapshot.kimg, metric, value: await DISTANCES[metric](synthetic, real, report) });
  }
  return points;
}

let cached: { key: string; sample: Sample } | null = null;

/** Cached between snapshots: its statistics take longer to compute than those of a snapshot. */
async function trainingSample(
  store: ObjectStore,
  { prefix, digest }: DatasetRef,
  onProgress: OnProgress,
): Promise<Sample> {
  const key = `${store.uri}\n${digest}`;
  if (cached?.key === key) return cached.sample;
  const set = await openImageSet(store, { set: 'train', prefix });
  const sample = new Sample(await setFeatures(store, set, MAX_REAL_IMAGES, onProgress));
  cached = { key, sample };
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
    const indices = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => from + i);
    const images = await sampler.generate(
      indices.map((index) => SEED + index),
      indices.map(labelOf),
      1,
    );
    for (const pixels of images) yield { resolution, channels, pixels };
  }
}
