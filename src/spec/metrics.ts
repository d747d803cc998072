/** The metrics: their names, the sets that they compare, and the selections of a spec. */
import { EQUIVARIANCE_METRICS, type PATH_METRICS } from './generator-metrics.js';
import type { ComparedPair, MeasuredSet, MetricDescriptor } from './metric-descriptor.js';
import { BASE_METRICS, FEATURE_METRICS, PIXEL_METRICS, RADIOMIC_METRICS } from './metric-descriptors.js';

/**
 * Networks whose features metrics compare. `effnetlite0` is present after set-up; the weights of
 * the others are imported (`gist weights fetch`). `inception` is the network that defines FID.
 */
export const NETWORK_NAMES = [
  'effnetlite0',
  'inception',
  'resnet50',
  'resnet101',
  'swav_resnet50',
  'vgg16',
  'vgg19',
  'inception_v3',
] as const;
export type NetworkName = (typeof NETWORK_NAMES)[number];

/** What gives the features of images: a network, or `radiomics`: statistics of gray and texture. */
export const EXTRACTOR_NAMES = [...NETWORK_NAMES, 'radiomics'] as const;
export type ExtractorName = (typeof EXTRACTOR_NAMES)[number];

/** The sets of each pair: the evaluated set first, then the one that it is compared with. */
export const COMPARED_SETS = {
  holdout: ['synthetic', 'holdout'],
  train: ['synthetic', 'train'],
  train_vs_holdout: ['train', 'holdout'],
  synthetic: ['synthetic'],
  real: ['train'],
  generator: ['generator'],
} as const satisfies Record<ComparedPair | MeasuredSet, readonly [string, ...string[]]>;

/** The pair of real images whose value those of another pair are read by. */
const FLOORS = {
  holdout: 'train_vs_holdout',
  train: 'train_vs_holdout',
  synthetic: 'real',
} as const satisfies Partial<Record<ComparedPair | MeasuredSet, ComparedPair | MeasuredSet>>;

/** A metric on the features of one extractor. */
export interface NamedMetric extends MetricDescriptor {
  base: BaseMetric;
  /** null: it compares pixels. */
  extractor: ExtractorName | null;
}

type FeatureMetric = keyof typeof FEATURE_METRICS;
export type BaseMetric = keyof typeof BASE_METRICS;
/** Metrics that ask the generator for images. */
export type GeneratorMetric = keyof typeof PATH_METRICS | keyof typeof EQUIVARIANCE_METRICS;
/** Names of the values of a metric. */
export type ValueName<Base extends BaseMetric> = (typeof BASE_METRICS)[Base]['values'][number];

/** Names of StyleGAN3's metrics, with the network of each: that of FID, and VGG-16 for `pr`. */
const OFFICIAL_NAMES = {
  fid50k_full: ['fd', 'inception'],
  kid50k_full: ['kid', 'inception'],
  is50k: ['is', 'inception'],
  pr50k3_full: ['pr', 'vgg16'],
} as const satisfies Record<string, readonly [BaseMetric, NetworkName]>;
export type OfficialName = keyof typeof OFFICIAL_NAMES;
/** Metrics in StyleGAN3's own form. */
export const OFFICIAL_METRICS = [
  ...(Object.keys(OFFICIAL_NAMES) as OfficialName[]),
  'eqt50k_int',
  'eqt50k_frac',
] as const;

export type MetricName =
  | `${FeatureMetric}_${NetworkName}`
  | keyof typeof RADIOMIC_METRICS
  | keyof typeof PIXEL_METRICS
  | `${keyof typeof PATH_METRICS}_${NetworkName}`
  | keyof typeof EQUIVARIANCE_METRICS
  | OfficialName;

/** Metrics with a distance as their value. */
export type DistanceName = `${'fd' | 'kid'}_${NetworkName}` | 'fid50k_full' | 'kid50k_full';

/** All metrics by name, in the order in which reports show them. */
export const METRICS = Object.fromEntries([
  ...NETWORK_NAMES.flatMap((extractor) =>
    (Object.keys(FEATURE_METRICS) as FeatureMetric[]).map(
      (base) => [`${base}_${extractor}`, named(base, extractor)] as const,
    ),
  ),
  ...Object.entries(OFFICIAL_NAMES).map(([name, [base, network]]) => [name, named(base, network)] as const),
  ...(Object.keys(RADIOMIC_METRICS) as (keyof typeof RADIOMIC_METRICS)[]).map(
    (base) => [base, named(base, 'radiomics')] as const,
  ),
  ...(Object.keys(PIXEL_METRICS) as (keyof typeof PIXEL_METRICS)[]).map(
    (base) => [base, named(base, null)] as const,
  ),
  ...NETWORK_NAMES.map((extractor) => [`ppl_${extractor}`, named('ppl', extractor)] as const),
  ...(Object.keys(EQUIVARIANCE_METRICS) as (keyof typeof EQUIVARIANCE_METRICS)[]).map(
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

/** Whether a metric asks the generator for images: it takes long, and has to be named. */
export function isGeneratorMetric(name: MetricName): boolean {
  return METRICS[name].pairs.some((pair) => pair === 'generator');
}

/**
 * Every metric of sets on one network, and those that need none. With the networks of StyleGAN3's
 * metrics they have the official names, where there are any.
 */
export function metricsOn(network: NetworkName): MetricName[] {
  const official = Object.values(OFFICIAL_NAMES).map(([base, own]) => `${base}_${own}`);
  return METRIC_NAMES.filter((name) => {
    const { extractor } = METRICS[name];
    if (isGeneratorMetric(name)) return false;
    const needsNone = extractor === null || extractor === 'radiomics';
    return needsNone || (extractor === network && !official.includes(name));
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
