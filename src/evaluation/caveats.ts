/** What a reader must know beside the numbers: few images, constant sets, metrics left out. */
import { isGeneratorMetric, METRICS, type MetricName } from '../spec/metrics.js';
import { EXTRACTORS } from './extractors/index.js';
import { minImagesOf } from './metrics/compute.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import type { MeasuredImages } from './metrics/measured-images.js';
import { MS_SSIM_SIDE } from './metrics/ssim.js';

/** From this number of images on, precision and coverage hardly depend on it. */
const ENOUGH_NEIGHBORS = 1_000;
/** From this number of images on, the parts of the Inception Score hardly depend on it. */
const ENOUGH_SCORES = 5_000;
/** Images that the names of StyleGAN3's metrics promise. */
const OFFICIAL_IMAGES = 50_000;

/** @param sets by the name that people see */
export async function caveatsOf(
  metrics: readonly MetricName[],
  sets: Readonly<Record<string, MeasuredImages>>,
): Promise<string[]> {
  const caveats = metrics.flatMap((name) => countCaveats(name, sets));
  const extractors = new Set(
    metrics
      .filter((name) => !isGeneratorMetric(name))
      .map((name) => METRICS[name].extractor)
      .filter((name) => name !== null),
  );
  for (const [set, images] of Object.entries(sets)) {
    for (const extractor of extractors)
      if (isConstant(await images.features(extractor)))
        caveats.push(
          `All ${images.images} ${set} images have the same features (${extractor}): the set shows one image only, and distances say little.`,
        );
    if (metrics.includes('diversity')) caveats.push(...(await sizeCaveats(set, images)));
  }
  return [...new Set(caveats)];
}

function countCaveats(name: MetricName, sets: Readonly<Record<string, MeasuredImages>>): string[] {
  const { base, extractor } = METRICS[name];
  if (isGeneratorMetric(name)) return [];
  const caveats: string[] = [];
  const fewer = (least: number) => Object.entries(sets).filter(([, { images }]) => images < least);
  const missing = fewer(minImagesOf(name));
  if (missing.length > 0)
    return [`${name} is left out for ${counts(missing)}: it needs at least ${minImagesOf(name)} images.`];
  const features = extractor === null ? 0 : EXTRACTORS[extractor].dimensions;
  const few = fewer(features);
  if (base === 'frd' && few.length > 0)
    caveats.push(
      `${name}: ${counts(few)} are fewer than its ${features} features, so the distance is too high (biased). Compare only sets of equal size.`,
    );
  if (base === 'fd' && few.length > 0)
    caveats.push(
      `${name}: ${counts(few)} are fewer than its ${features} features, so the distance is too high (biased). Compare only sets of equal size, or read the distances without this bias: fd_infinity_${extractor}, and kid_${extractor}, which has none at any number of images.`,
    );
  if (base === 'fd_infinity' && few.length > 0)
    caveats.push(
      `${name}: with ${counts(few)}, fewer than its ${features} features, the line to infinitely many images is not straight, and some bias is left. Read it beside the value of two real sets, which would be 0 without.`,
    );
  if (base === 'is' && fewer(ENOUGH_SCORES).length > 0)
    caveats.push(
      `${name}: with ${counts(fewer(ENOUGH_SCORES))} its ten parts have fewer than ${ENOUGH_SCORES / 10} images each, and the score is too low (biased). Parts are in the order of the images, so a set that is sorted by class scores lower.`,
    );
  const small = fewer(ENOUGH_NEIGHBORS);
  if ((base === 'pr' || base === 'dc') && small.length > 0)
    caveats.push(
      `${name}: with ${counts(small)} it depends on the number of images. Read it beside the value of two real sets; 0 may mean too few images.`,
    );
  const { synthetic } = sets;
  if (name.includes('50k') && synthetic && synthetic.images < OFFICIAL_IMAGES)
    caveats.push(
      `${name} is computed on ${synthetic.images} synthetic images instead of ${OFFICIAL_IMAGES}: it is not comparable with publications.`,
    );
  return caveats;
}

/** From this value on, three digits show more than 0. */
const SHOWN_AS_MORE = 0.0005;

/**
 * What a fraction of 0 means: it looks like a missing value otherwise.
 *
 * @param floorOf full name of the value of real images that a value is read by
 */
export function zeroCaveats(
  values: Readonly<Record<string, number>>,
  floorOf: (name: string) => string | null,
): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const what = FRACTIONS[name.split('.').at(-1) ?? ''];
    const floor = floorOf(name);
    if (what === undefined || floor === null || value >= SHOWN_AS_MORE) return [];
    const real = values[floor];
    const reading =
      real === undefined
        ? 'There is no value of two real sets to read it by.'
        : real < SHOWN_AS_MORE
          ? 'Two real sets do not reach more: the images are too few to say anything.'
          : `Two real sets reach ${real.toFixed(3)}.`;
    return [`${name} is 0: ${what}. ${reading}`];
  });
}

const FRACTIONS: Readonly<Record<string, string>> = {
  precision: 'no synthetic image is as near to a real one as real images are to each other',
  recall: 'no real image is as near to a synthetic one as synthetic images are to each other',
  density: 'no synthetic image is in the neighborhood of a real one',
  coverage: 'no real image has a synthetic one in its neighborhood',
};

function counts(sets: readonly (readonly [string, MeasuredImages])[]): string {
  return sets.map(([set, { images }]) => `${images} ${set} images`).join(' and ');
}

async function sizeCaveats(set: string, images: MeasuredImages): Promise<string[]> {
  const [first] = await images.sample(1);
  if (!first || first.side >= MS_SSIM_SIDE) return [];
  return [
    `MS-SSIM is left out: the ${set} images have ${first.side} pixels a side, and it needs ${MS_SSIM_SIDE}.`,
  ];
}

function isConstant({ rows, columns, data }: FeatureMatrix): boolean {
  if (rows < 2) return false;
  for (let i = columns; i < rows * columns; i++) if (data[i] !== data[i % columns]) return false;
  return true;
}
