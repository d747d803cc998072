/** Explains each metric in plain language. */

export interface Explanation {
  /** Prefix of the metric's full name. */
  prefix: string;
  title: string;
  text: string;
  digits: number;
}

const SETS = 'between the synthetic images and';

/** The first entry whose prefix matches explains a metric. The table has the same order. */
export const EXPLANATIONS: Explanation[] = [
  {
    prefix: 'fd_effnetlite0.holdout',
    title: 'Fréchet distance to unseen real images',
    text: `Distance ${SETS} real images that were not used in training. Lower is better.`,
    digits: 2,
  },
  {
    prefix: 'fd_effnetlite0.train_vs_holdout',
    title: 'Fréchet distance of two real sets',
    text: 'The same distance between the training images and the unseen images: the value that a perfect generator would reach with this number of images.',
    digits: 2,
  },
  {
    prefix: 'fd_effnetlite0.train',
    title: 'Fréchet distance to the training images',
    text: `Distance ${SETS} the images that the generator was trained on. It decreases with the number of images, so it is lower than the distance to a smaller set of unseen images. To detect copying, compare the kernel distances, which do not depend on the number of images.`,
    digits: 2,
  },
  {
    prefix: 'kid_effnetlite0.holdout',
    title: 'Kernel distance to unseen real images',
    text: 'Another distance (KID), unbiased even for few images. 0 means that no difference was found; slightly negative values are possible. Lower is better.',
    digits: 4,
  },
  {
    prefix: 'kid_effnetlite0.train_vs_holdout',
    title: 'Kernel distance of two real sets',
    text: 'The kernel distance between training and unseen images, for comparison.',
    digits: 4,
  },
  {
    prefix: 'kid_effnetlite0.train',
    title: 'Kernel distance to the training images',
    text: 'The kernel distance to the images that the generator was trained on. A value much lower than the distance to unseen images is a sign of copying.',
    digits: 4,
  },
  {
    prefix: 'pr_effnetlite0.holdout.precision',
    title: 'Precision (unseen images)',
    text: 'Fraction of synthetic images that look like a real image. Higher is better, at most 1.',
    digits: 3,
  },
  {
    prefix: 'pr_effnetlite0.holdout.recall',
    title: 'Recall (unseen images)',
    text: 'Fraction of real images that look like a synthetic image: a measure of variety. Higher is better, at most 1.',
    digits: 3,
  },
  {
    prefix: 'images.',
    title: 'Number of images',
    text: 'Number of images of the set that the metrics are computed on.',
    digits: 0,
  },
];

export function explainMetric(metric: string): Explanation | undefined {
  return EXPLANATIONS.find(({ prefix }) => metric.startsWith(prefix));
}
