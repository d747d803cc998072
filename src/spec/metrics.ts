/** The metrics: their names, the sets that they compare and how reports explain their values. */

/**
 * Networks whose features metrics compare. `effnetlite0` is present after set-up; the weights of
 * the others are imported (`gist weights fetch`). `inception` is the network that defines FID.
 */
export const EXTRACTOR_NAMES = [
  'effnetlite0',
  'inception',
  'resnet50',
  'resnet101',
  'vgg16',
  'vgg19',
  'inception_v3',
] as const;
export type ExtractorName = (typeof EXTRACTOR_NAMES)[number];

/**
 * Pairs of sets that the evaluate stage compares: the synthetic images with the holdout or training
 * images, and the two real sets with each other, which gives the value of a perfect generator.
 */
export type ComparedPair = 'holdout' | 'train' | 'train_vs_holdout';

/** Sets that a metric of one set is computed on: the synthetic images, and the training images. */
export type MeasuredSet = 'synthetic' | 'real';

/** The sets of each pair: the evaluated set first, then the one that it is compared with. */
export const COMPARED_SETS = {
  holdout: ['synthetic', 'holdout'],
  train: ['synthetic', 'train'],
  train_vs_holdout: ['train', 'holdout'],
  synthetic: ['synthetic'],
  real: ['train'],
} as const satisfies Record<ComparedPair | MeasuredSet, readonly [string, ...string[]]>;

/** The pair of real images whose value those of another pair are read by. */
const FLOORS = {
  holdout: 'train_vs_holdout',
  train: 'train_vs_holdout',
  synthetic: 'real',
} as const satisfies Partial<Record<ComparedPair | MeasuredSet, ComparedPair | MeasuredSet>>;

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

/** A metric on the features of one extractor. */
export interface NamedMetric extends MetricDescriptor {
  base: BaseMetric;
  /** null: it compares pixels. */
  extractor: ExtractorName | null;
}

const ALL_PAIRS = ['holdout', 'train', 'train_vs_holdout'] as const;
const FLOOR =
  'The same between the training images and the unseen images: what a perfect generator would reach.';
const SPREAD =
  'Standard deviation of the kernel distance over random subsets of half of the images, at most 1,000.';

/** Metrics on features, in the order in which reports show them. */
const FEATURE_METRICS = {
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

/** Metrics on pixels. */
const PIXEL_METRICS = {
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

/** Every metric without regard to the extractor: one entry for each computation. */
export const BASE_METRICS = { ...FEATURE_METRICS, ...INCEPTION_METRICS, ...PIXEL_METRICS };

type FeatureMetric = keyof typeof FEATURE_METRICS;
export type BaseMetric = keyof typeof BASE_METRICS;
/** Names of the values of a metric. */
export type ValueName<Base extends BaseMetric> = (typeof BASE_METRICS)[Base]['values'][number];

/** Names of StyleGAN3's metrics, which use the network of FID. */
const OFFICIAL_NAMES = { fid50k_full: 'fd', kid50k_full: 'kid', is50k: 'is' } as const satisfies Record<
  string,
  BaseMetric
>;
type OfficialName = keyof typeof OFFICIAL_NAMES;

export type MetricName = `${FeatureMetric}_${ExtractorName}` | keyof typeof PIXEL_METRICS | OfficialName;

/** Metrics with a distance as their value. */
export type DistanceName = `${'fd' | 'kid'}_${ExtractorName}` | 'fid50k_full' | 'kid50k_full';

/** All metrics by name, in the order in which reports show them. */
export const METRICS = Object.fromEntries([
  ...EXTRACTOR_NAMES.flatMap((extractor) =>
    (Object.keys(FEATURE_METRICS) as FeatureMetric[]).map(
      (base) => [`${base}_${extractor}`, named(base, extractor)] as const,
    ),
  ),
  ...Object.entries(OFFICIAL_NAMES).map(([name, base]) => [name, named(base, 'inception')] as const),
  ...(Object.keys(PIXEL_METRICS) as (keyof typeof PIXEL_METRICS)[]).map(
    (base) => [base, named(base, null)] as const,
  ),
]) as Record<MetricName, NamedMetric>;

function named(base: BaseMetric, extractor: ExtractorName | null): NamedMetric {
  return { ...BASE_METRICS[base], base, extractor };
}

export const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

export const DISTANCE_NAMES = METRIC_NAMES.filter((name) => METRICS[name].isDistance) as [
  DistanceName,
  ...DistanceName[],
];

/**
 * Every metric on one extractor, and those on pixels. With the network of FID they have the
 * official names, where there are any.
 */
export function metricsOn(extractor: ExtractorName): MetricName[] {
  const official = Object.values(OFFICIAL_NAMES) as BaseMetric[];
  return METRIC_NAMES.filter((name) => {
    const { base, extractor: own } = METRICS[name];
    if (own !== extractor) return own === null;
    return extractor !== 'inception' || !official.includes(base) || Object.hasOwn(OFFICIAL_NAMES, name);
  });
}

/** The extractors of some metrics, each once. */
export function extractorsOf(metrics: readonly MetricName[]): ExtractorName[] {
  const used = new Set(metrics.map((name) => METRICS[name].extractor));
  return EXTRACTOR_NAMES.filter((name) => used.has(name));
}

/**
 * `fd_effnetlite0.holdout`, `pr_effnetlite0.holdout.precision`; parts that are empty are left out.
 */
export function fullMetricName(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('.');
}

/** A value of the evaluate stage by its full name. */
export interface MetricValue {
  metric: NamedMetric;
  /** Names of the sets, whose numbers of images are `images.<set>`. */
  sets: readonly string[];
  /** Full name of the same value of real images; null for a value of real images. */
  floor: string | null;
}

/** @returns undefined for numbers of images, and names of other versions */
export function findMetricValue(fullName: string): MetricValue | undefined {
  const [name = '', pair = '', ...value] = fullName.split('.');
  if (!Object.hasOwn(METRICS, name) || !Object.hasOwn(COMPARED_SETS, pair)) return undefined;
  const floor = Object.hasOwn(FLOORS, pair) ? FLOORS[pair as keyof typeof FLOORS] : null;
  return {
    metric: METRICS[name as MetricName],
    sets: COMPARED_SETS[pair as keyof typeof COMPARED_SETS],
    floor: floor && fullMetricName(name, floor, ...value),
  };
}
