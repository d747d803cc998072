/** The metrics: their names, the sets that they compare and how reports explain their values. */

/**
 * Pairs of sets that the evaluate stage compares: the synthetic images with the holdout or training
 * images, and the two real sets with each other, which gives the value of a perfect generator.
 */
export type ComparedPair = 'holdout' | 'train' | 'train_vs_holdout';

/** How a report shows one value of a metric. */
export interface ValueExplanation {
  title: string;
  text: string;
  /** Digits after the decimal point. */
  digits: number;
}

export interface MetricDescriptor {
  /** What `gist metrics --help` calls it. */
  title: string;
  /** Whether its only value is a distance, which snapshots of a training are compared by. */
  isDistance: boolean;
  pairs: readonly ComparedPair[];
  /** Names of its values; a distance has one, whose name is empty. */
  values: readonly string[];
  /** By pair, or by pair and value: `holdout`, `holdout.precision`. */
  explanations: Readonly<Record<string, ValueExplanation>>;
}

const ALL_PAIRS = ['holdout', 'train', 'train_vs_holdout'] as const;

/** Metrics in the order in which reports show them. */
export const METRICS = {
  fd_effnetlite0: {
    title: 'Fréchet distance',
    isDistance: true,
    pairs: ALL_PAIRS,
    values: [''],
    explanations: {
      holdout: {
        title: 'Fréchet distance to unseen real images',
        text: 'Distance between the synthetic images and real images that were not used in training. Lower is better.',
        digits: 2,
      },
      train_vs_holdout: {
        title: 'Fréchet distance of two real sets',
        text: 'The same distance between the training images and the unseen images: the value that a perfect generator would reach with this number of images.',
        digits: 2,
      },
      train: {
        title: 'Fréchet distance to the training images',
        text: 'Distance between the synthetic images and the images that the generator was trained on. It decreases with the number of images, so it is lower than the distance to a smaller set of unseen images. To detect copying, compare the kernel distances, which do not depend on the number of images.',
        digits: 2,
      },
    },
  },
  kid_effnetlite0: {
    title: 'kernel distance (KID)',
    isDistance: true,
    pairs: ALL_PAIRS,
    values: [''],
    explanations: {
      holdout: {
        title: 'Kernel distance to unseen real images',
        text: 'Another distance (KID), unbiased even for few images. 0 means that no difference was found; slightly negative values are possible. Lower is better.',
        digits: 4,
      },
      train_vs_holdout: {
        title: 'Kernel distance of two real sets',
        text: 'The kernel distance between training and unseen images, for comparison.',
        digits: 4,
      },
      train: {
        title: 'Kernel distance to the training images',
        text: 'The kernel distance to the images that the generator was trained on. A value much lower than the distance to unseen images is a sign of copying.',
        digits: 4,
      },
    },
  },
  pr_effnetlite0: {
    title: 'precision and recall',
    isDistance: false,
    pairs: ['holdout'],
    values: ['precision', 'recall'],
    explanations: {
      'holdout.precision': {
        title: 'Precision (unseen images)',
        text: 'Fraction of synthetic images that look like a real image. Higher is better, at most 1.',
        digits: 3,
      },
      'holdout.recall': {
        title: 'Recall (unseen images)',
        text: 'Fraction of real images that look like a synthetic image: a measure of variety. Higher is better, at most 1.',
        digits: 3,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

export type MetricName = keyof typeof METRICS;

/** Names of the values of a metric. */
export type ValueName<Name extends MetricName> = (typeof METRICS)[Name]['values'][number];

/** Metrics with a single value. */
export type DistanceName = {
  [Name in MetricName]: (typeof METRICS)[Name]['isDistance'] extends true ? Name : never;
}[MetricName];

export const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

export const DISTANCE_NAMES = METRIC_NAMES.filter((name) => METRICS[name].isDistance) as [
  DistanceName,
  ...DistanceName[],
];

/**
 * `fd_effnetlite0.holdout`, `pr_effnetlite0.holdout.precision`; parts that are empty are left out.
 */
export function fullMetricName(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('.');
}
