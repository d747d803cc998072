/** How a metric is described: what it compares, and how reports explain its values. */

/**
 * Pairs of sets that the evaluate stage compares: the synthetic images with the holdout or training
 * images, and the two real sets with each other, which gives the value of a perfect generator.
 */
export type ComparedPair = 'holdout' | 'train' | 'train_vs_holdout';

/**
 * What a metric of one set is computed on: the synthetic images, the training images, or the images
 * that it asks of the generator itself.
 */
export type MeasuredSet = 'synthetic' | 'real' | 'generator';

/** How a report shows one value of a metric. */
export interface ValueExplanation {
  title: string;
  text: string;
  /** Digits after the decimal point. */
  digits: number;
}

/** A metric without regard to the extractor. */
export interface MetricDescriptor {
  /** What `gist metrics --help` calls it. */
  title: string;
  /**
   * Whether its value without a name is a distance, which snapshots of a training are compared by.
   */
  isDistance: boolean;
  pairs: readonly (ComparedPair | MeasuredSet)[];
  /** Names of its values; the main value of a metric has the empty name. */
  values: readonly string[];
  /** By pair, or by pair and value: `holdout`, `holdout.precision`. */
  explanations: Readonly<Record<string, ValueExplanation>>;
}
