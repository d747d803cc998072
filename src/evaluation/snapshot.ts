/** Computes the metrics of one training snapshot against the training images. */
import type { OnProgress } from '../core/progress.js';
import { classAssignment } from '../generation/classes.js';
import { warmSampler } from '../generation/index.js';
import type { SnapshotInput } from '../spec/compute-tasks.js';
import type { CheckpointRef, CurvePoint, DatasetRef } from '../spec/results.js';
import { type DistanceName, type ExtractorName, extractorsOf, METRICS } from '../spec/metrics.js';
import type { ObjectStore } from '../storage/index.js';
import { extractorIdentity } from './extractors/identity.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import type { PairMetric } from './metrics/metric.js';
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
  const points: CurvePoint[] = [];
  for (const extractor of extractorsOf(train.snapshotMetrics)) {
    const own = train.snapshotMetrics.filter((metric) => METRICS[metric].extractor === extractor);
    const real = await trainingFeatures(store, dataset, extractor, onProgress);
    const images = generated(store, snapshot, train.snapshotImages);
    const onBatch = (done: number) => onProgress({ done, total: train.snapshotImages, unit: 'images' });
    const synthetic = await extractFeatures(images, onBatch, extractor);
    for (const metric of own) {
      const report = () =>
        onProgress({ done: points.length, total: train.snapshotMetrics.length, unit: 'metrics' });
      const distance = distanceOf(metric);
      const { '': value, ...others } = await distance.compare(synthetic, real, report);
      // Convergence must tell an improvement from noise; other curves are only drawn.
      const decides = metric === train.stopWhen?.metric;
      const { '': interval } = decides ? await distance.intervals(synthetic, real, report) : {};
      points.push({ kimg: snapshot.kimg, metric, value, ...others, ...(interval && { interval }) });
    }
  }
  return points;
}

/** A distance is a metric of two sets, whose value has no name. */
function distanceOf(metric: DistanceName): PairMetric<''> | PairMetric<'' | 'spread'> {
  return METRICS[metric].base === 'fd' ? COMPUTATIONS.fd : COMPUTATIONS.kid;
}

let cached: { key: string; features: FeatureMatrix } | null = null;

/** Cached between snapshots, with its statistics: they take longer than those of a snapshot. */
async function trainingFeatures(
  store: ObjectStore,
  { prefix, digest }: DatasetRef,
  extractor: ExtractorName,
  onProgress: OnProgress,
): Promise<FeatureMatrix> {
  const key = `${store.uri}\n${digest}\n${await extractorIdentity(extractor)}`;
  if (cached?.key === key) return cached.features;
  const set = await openImageSet(store, { set: 'train', prefix });
  const features = await setFeatures(store, set, { maxImages: MAX_REAL_IMAGES, extractor }, onProgress);
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
