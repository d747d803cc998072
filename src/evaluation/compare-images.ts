/** Every figure of one stream of images against another. */
import { DISTANCES, Sample } from './compare.js';
import type { SquareImage } from './extractors/input.js';
import { extractFeatures } from './features.js';
import { NEIGHBOURS, precisionRecall } from './metrics/precision-recall.js';

/** @param onBatch hears how many images of the stream at hand were looked at */
export async function compareImages(
  real: AsyncIterable<SquareImage>,
  fake: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
): Promise<Record<string, number>> {
  const a = new Sample(await extractFeatures(real, onBatch));
  const b = new Sample(await extractFeatures(fake, onBatch));
  const figures: Record<string, number> = { 'images.real': a.features.rows, 'images.fake': b.features.rows };
  for (const [name, distance] of Object.entries(DISTANCES))
    figures[name] = await distance(b, a, () => undefined);
  if (a.features.rows > NEIGHBOURS && b.features.rows > NEIGHBOURS) {
    const { precision, recall } = await precisionRecall(a.features, b.features);
    figures['pr_effnetlite0.precision'] = precision;
    figures['pr_effnetlite0.recall'] = recall;
  }
  return figures;
}
