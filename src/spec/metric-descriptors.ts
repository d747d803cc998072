/**
 * Descriptions of all metrics without regard to the extractor; here those of sets of images.
 */
import { EQUIVARIANCE_METRICS, PATH_METRICS } from './generator-metrics.js';
import type { MetricDescriptor } from './metric-descriptor.js';

const ALL_PAIRS = ['holdout', 'train', 'train_vs_holdout'] as const;
const FLOOR =
  'The same between the training images and the unseen images: what a perfect generator would reach.';
const SPREAD =
  'Standard deviation of the kernel distance over random subsets of half of the images, at most 1,000.';

/** Metrics on features, in the order in which reports show them. */
export const FEATURE_METRICS = {
  fd: {
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
  fd_infinity: {
    title: 'Fréchet distance without its bias (FID-infinity)',
    isDistance: false,
    pairs: ALL_PAIRS,
    values: [''],
    explanations: {
      holdout: {
        title: 'Fréchet distance to unseen images, for infinitely many images',
        text: 'The Fréchet distance is too high for few images. This value is read off a line through the distances of parts of the sets, where their number is infinite. Lower is better; slightly negative values are possible.',
        digits: 2,
      },
      train_vs_holdout: {
        title: 'The same distance of two real sets',
        text: 'Near 0 if the line holds. What it is above 0 is bias that is left with this number of images.',
        digits: 2,
      },
      train: {
        title: 'Fréchet distance to the training images, for infinitely many images',
        text: 'The same to the images that the generator was trained on.',
        digits: 2,
      },
    },
  },
  kid: {
    title: 'kernel distance (KID)',
    isDistance: true,
    pairs: ALL_PAIRS,
    values: ['', 'spread'],
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
      ...Object.fromEntries(
        ALL_PAIRS.map((pair) => [
          `${pair}.spread`,
          { title: 'Spread of this distance', text: SPREAD, digits: 4 },
        ]),
      ),
    },
  },
  pr: {
    title: 'precision and recall',
    isDistance: false,
    pairs: ALL_PAIRS,
    values: ['precision', 'recall'],
    explanations: {
      'holdout.precision': {
        title: 'Precision (unseen images)',
        text: 'Fraction of synthetic images that look like a real image. Higher is better, at most 1. It depends on the number of unseen images: read it beside the value of the two real sets.',
        digits: 3,
      },
      'train_vs_holdout.precision': {
        title: 'Precision of the training images',
        text: `${FLOOR} With few unseen images it is low for any generator.`,
        digits: 3,
      },
      'train.precision': {
        title: 'Precision (training images)',
        text: 'Fraction of synthetic images that look like a training image.',
        digits: 3,
      },
      'holdout.recall': {
        title: 'Recall (unseen images)',
        text: 'Fraction of real images that look like a synthetic image: a measure of variety. Higher is better, at most 1.',
        digits: 3,
      },
      'train_vs_holdout.recall': { title: 'Recall of the training images', text: FLOOR, digits: 3 },
      'train.recall': {
        title: 'Recall (training images)',
        text: 'Fraction of training images that look like a synthetic image.',
        digits: 3,
      },
    },
  },
  dc: {
    title: 'density and coverage',
    isDistance: false,
    pairs: ALL_PAIRS,
    values: ['density', 'coverage'],
    explanations: {
      'holdout.density': {
        title: 'Density (unseen images)',
        text: 'How closely the synthetic images are surrounded by real ones. Unlike precision it does not trust outliers; it may exceed 1. Higher is better.',
        digits: 3,
      },
      'train_vs_holdout.density': { title: 'Density of the training images', text: FLOOR, digits: 3 },
      'train.density': {
        title: 'Density (training images)',
        text: 'How closely the synthetic images are surrounded by training images.',
        digits: 3,
      },
      'holdout.coverage': {
        title: 'Coverage (unseen images)',
        text: 'Fraction of real images that have a synthetic image near them: a measure of variety that outliers do not raise. Higher is better, at most 1.',
        digits: 3,
      },
      'train_vs_holdout.coverage': { title: 'Coverage of the training images', text: FLOOR, digits: 3 },
      'train.coverage': {
        title: 'Coverage (training images)',
        text: 'Fraction of training images that have a synthetic image near them.',
        digits: 3,
      },
    },
  },
  authenticity: {
    title: 'authenticity',
    isDistance: false,
    pairs: ALL_PAIRS,
    values: [''],
    explanations: {
      train: {
        title: 'Authenticity',
        text: 'Fraction of synthetic images that are further from their nearest training image than that one is from other training images. Far below the value of the unseen images, it is a sign of copying.',
        digits: 3,
      },
      holdout: {
        title: 'Authenticity (unseen images)',
        text: 'The same for unseen images, which a generator cannot have copied, for comparison.',
        digits: 3,
      },
      train_vs_holdout: {
        title: 'Authenticity of the training images',
        text: 'The same of the training images to the unseen ones: the value of images that are no copies.',
        digits: 3,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

/** Metrics on the class probabilities of Inception-v3. */
const INCEPTION_METRICS = {
  is: {
    title: 'Inception Score',
    isDistance: false,
    pairs: ['synthetic', 'real'],
    values: ['', 'spread'],
    explanations: {
      synthetic: {
        title: 'Inception Score',
        text: 'How distinct and how varied the images are in terms of the classes of photographs that Inception-v3 knows. It says little on medical images; it is here for comparison with publications.',
        digits: 2,
      },
      real: {
        title: 'Inception Score of the training images',
        text: 'The same of the training images, for comparison.',
        digits: 2,
      },
      'synthetic.spread': {
        title: 'Spread of this score',
        text: 'Standard deviation over ten parts of the set.',
        digits: 2,
      },
      'real.spread': {
        title: 'Spread of this score',
        text: 'Standard deviation over ten parts of the set.',
        digits: 2,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

/** Metrics on radiomic features, which need no network. */
export const RADIOMIC_METRICS = {
  frd: {
    title: 'Fréchet radiomic distance',
    isDistance: false,
    pairs: ALL_PAIRS,
    values: [''],
    explanations: {
      holdout: {
        title: 'Fréchet radiomic distance to unseen images',
        text: 'Distance of the distributions of gray levels and texture, as radiology measures them. It needs no network that was trained on photographs. Lower is better.',
        digits: 2,
      },
      train_vs_holdout: {
        title: 'Fréchet radiomic distance of two real sets',
        text: FLOOR,
        digits: 2,
      },
      train: {
        title: 'Fréchet radiomic distance to the training images',
        text: 'The same to the images that the generator was trained on.',
        digits: 2,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

/** Metrics on pixels. */
export const PIXEL_METRICS = {
  diversity: {
    title: 'SSIM and MS-SSIM diversity',
    isDistance: false,
    pairs: ['synthetic', 'real'],
    values: ['ssim', 'ms_ssim'],
    explanations: {
      'synthetic.ssim': {
        title: 'Similarity within the synthetic set (SSIM)',
        text: 'Mean structural similarity of 100 random pairs. Higher than that of the training images: less variety.',
        digits: 3,
      },
      'real.ssim': {
        title: 'Similarity within the training set (SSIM)',
        text: 'The same of the training images, for comparison.',
        digits: 3,
      },
      'synthetic.ms_ssim': {
        title: 'Similarity within the synthetic set (MS-SSIM)',
        text: 'The same at five sizes at once. Only for images of at least 161 pixels a side.',
        digits: 3,
      },
      'real.ms_ssim': {
        title: 'Similarity within the training set (MS-SSIM)',
        text: 'The same of the training images, for comparison.',
        digits: 3,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

/** Every metric without regard to the extractor. */
export const BASE_METRICS = {
  ...FEATURE_METRICS,
  ...INCEPTION_METRICS,
  ...RADIOMIC_METRICS,
  ...PIXEL_METRICS,
  ...PATH_METRICS,
  ...EQUIVARIANCE_METRICS,
};
