/** Computes all metrics of one stream of images against another. */
import { METRIC_NAMES } from '../spec/metrics.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures } from './features.js';
import { COMPUTATIONS, hasEnoughImages, withFullNames } from './metrics/registry.js';

/**
 * Values by `<metric>` or `<metric>.<value>`. Metrics that need more images are left out.
 *
 * @param onBatch called with the number of processed images of the current stream
 * @throws RangeError when the sets have too few images for every metric
 */
export async function compareImages(
  real: AsyncIterable<SquareImage>,
  fake: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
): Promise<Record<string, number>> {
  const a = await extractFeatures(real, onBatch);
  const b = await extractFeatures(fake, onBatch);
  const values: Record<string, number> = { 'images.real': a.rows, 'images.fake': b.rows };
  const computable = METRIC_NAMES.filter((name) => hasEnoughImages(name, a, b));
  if (computable.length === 0) throw new RangeError('too few images for every metric');
  for (const metric of computable) {
    const compared = await COMPUTATIONS[metric].compare(b, a, () => undefined);
    Object.assign(values, withFullNames(compared, metric));
  }
  return values;
}
