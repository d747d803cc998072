/** Computes the metrics of one training snapshot against the training images. */
import type { OnProgress } from '../core/progress.js';
import { classAssignment } from '../generation/classes.js';
import { warmSampler } from '../generation/index.js';
import type { SnapshotInput } from '../spec/compute-tasks.js';
import type { CheckpointRef, CurvePoint, DatasetRef } from '../spec/results.js';
import type { ObjectStore } from '../storage/index.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { COMPUTATIONS } from './metrics/registry.js';

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
  const real = await trainingFeatures(store, dataset, onProgress);
  const images = generated(store, snapshot, train.snapshotImages);
  const synthetic = await extractFeatures(images, (done) =>
    onProgress({ done, total: train.snapshotImages, unit: 'images' }),
  );
  const points: CurvePoint[] = [];
  for (const metric of train.snapshotMetrics) {
    const report = () =>
      onProgress({ done: points.length, total: train.snapshotMetrics.length, unit: 'metrics' });
    const { '': value } = await COMPUTATIONS[metric].compare(synthetic, real, report);
    points.push({ kimg: snapshot.kimg, metric, value });
  }
  return points;
}

let cached: { key: string; features: FeatureMatrix } | null = null;

/** Cached between snapshots, with its statistics: they take longer than those of a snapshot. */
async function trainingFeatures(
  store: ObjectStore,
  { prefix, digest }: DatasetRef,
  onProgress: OnProgress,
): Promise<FeatureMatrix> {
  const key = `${store.uri}\n${digest}`;
  if (cached?.key === key) return cached.features;
  const set = await openImageSet(store, { set: 'train', prefix });
  const features = await setFeatures(store, set, MAX_REAL_IMAGES, onProgress);
  cached = { key, features };
  return features;
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
