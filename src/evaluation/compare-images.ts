/** Computes all metrics of one stream of images against another. */
import { DISTANCES, Sample } from './compare.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures } from './features.js';
import { NEIGHBORS, precisionRecall } from './metrics/precision-recall.js';

/** @param onBatch called with the number of processed images of the current stream */
export async function compareImages(
  real: AsyncIterable<SquareImage>,
  fake: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
): Promise<Record<string, number>> {
  const a = new Sample(await extractFeatures(real, onBatch));
  const b = new Sample(await extractFeatures(fake, onBatch));
  const metrics: Record<string, number> = { 'images.real': a.features.rows, 'images.fake': b.features.rows };
  for (const [name, distance] of Object.entries(DISTANCES))
    metrics[name] = await distance(b, a, () => undefined);
  if (a.features.rows > NEIGHBORS && b.features.rows > NEIGHBORS) {
    const { precision, recall } = await precisionRecall(a.features, b.features);
    metrics['pr_effnetlite0.precision'] = precision;
    metrics['pr_effnetlite0.recall'] = recall;
  }
  return metrics;
}
