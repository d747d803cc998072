/** A compared set whose features are extracted when a metric needs them, and its subsets. */
import type { ExtractorName } from '../../spec/metrics.js';
import { once } from '../once.js';
import { type FeatureMatrix, rowsAt } from './feature-matrix.js';
import type { ComparedImage } from './ssim.js';

export interface MeasuredImages {
  images: number;
  features(extractor: ExtractorName): Promise<FeatureMatrix>;
  /** Images spread over the set; at most `count`. */
  sample(count: number): Promise<readonly ComparedImage[]>;
}

/** Some images of a set, with a sample of the whole set. */
export function subsetOf(set: MeasuredImages, indices: readonly number[]): MeasuredImages {
  const rows = Int32Array.from(indices);
  const features = once(async (extractor: ExtractorName) => rowsAt(await set.features(extractor), rows));
  return { ...set, images: rows.length, features };
}
