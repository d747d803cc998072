/**
 * Nuisances: how much of the distance between synthetic and real images comes from simple
 * differences, such as a haze in the background?
 */
import type { OnProgress } from '../../core/progress.js';
import type { AnalysisFigure, AnalysisResult, AnalysisTable, AnalysisValue } from '../../spec/analyses.js';
import { type AnalysisOutlets, type AnalyzedSets, drawn, imagesOf } from '../analyses/analyzed-set.js';
import { colored, galleryPng } from '../analyses/gallery.js';
import type { SquareImage } from '../extractors/input.js';
import { type FeatureMatrix, rowsAt } from '../metrics/feature-matrix.js';
import { frechetDistance, gaussianStatistics } from '../metrics/frechet-distance.js';
import { kernelDistance, kernelSpread } from '../metrics/kid.js';
import { balancedIndices, classDifference, missingClasses } from './class-balance.js';
import { position } from './position.js';
import { sharpness } from './sharpness.js';
import { background, exposure } from './tone.js';
import type { Change, Transfer } from './transfer.js';

/** Images of each set: a quarter, within limits. Features of all are extracted five times. */
const SAMPLE = { part: 4, least: 100, most: 500 };
const MIN_IMAGES = 20;
/** A distance below this many deviations of a random choice of images is no difference. */
const DEVIATIONS = 2;
/** Share of the distance from which a nuisance is worth naming. */
const NOTABLE = 0.1;
const SHOWN = 8;
/** Classes whose shares differ by less in total are balanced. */
const BALANCED = 0.05;

const BASE = { analysis: 'nuisances', title: 'What the distance is made of' } as const;

interface Nuisance {
  title: string;
  text: string;
  advice: string;
}

/** In the order of the tables before they are sorted. */
const NUISANCES = {
  background: {
    title: 'Background haze',
    text: 'Dark areas are brighter or noisier than in real images.',
    advice:
      'Background haze usually shrinks with a longer training; cropping to the object (preprocess.autocrop) leaves less background.',
  },
  sharpness: {
    title: 'Sharpness and noise',
    text: 'The power spectrum differs: too smooth, too sharp, or noise of another strength.',
    advice:
      'Sharpness and noise usually come closer with a longer training; different scanners in one set make them harder to learn.',
  },
  exposure: {
    title: 'Exposure and contrast',
    text: 'Bright areas have other gray values than in real images.',
    advice:
      'Exposure usually comes closer with a longer training; check the window of the real images (preprocess.window) and augmentation with color (train.aug).',
  },
  position: {
    title: 'Position and scale',
    text: 'The object is elsewhere, of another size, or varies more or less than in real images.',
    advice:
      'Position and scale: align the real images (preprocess.autocrop), or use a stronger augmentation (train.aug: ada).',
  },
  classes: {
    title: 'Class balance',
    text: 'The classes have other shares than in the real set.',
    advice: 'Class balance: generate.classes: as-real gives the shares of the training set.',
  },
} as const satisfies Record<string, Nuisance>;
type NuisanceName = keyof typeof NUISANCES;

const TRANSFERS = { background, sharpness, exposure, position } satisfies Partial<
  Record<NuisanceName, Transfer>
>;
type TransferName = keyof typeof TRANSFERS;

/** Distances of two sets; the Fréchet distance is too high for few images. */
interface Distances {
  kernel: number;
  frechet: number;
}

interface Explained {
  name: NuisanceName;
  before: Distances;
  after: Distances;
  /** Share of the kernel distance that disappears. */
  share: number;
  /** What the transfer changes between two halves of the real images; null for classes. */
  floor: number | null;
}

export async function nuisances(sets: AnalyzedSets, outlets: AnalysisOutlets): Promise<AnalysisResult> {
  const size = sampleSize(sets);
  if (size < MIN_IMAGES) return unjudged(sets);
  const sample = await sampleOf(sets, size);
  const before = await distancesOf(sample.ours, sample.theirs);
  const spreadOf = await kernelSpread(sample.ours, sample.theirs);
  if (before.kernel < DEVIATIONS * spreadOf) return nothing(before, size);
  const { explained, changes } = await explainedBy(sets, sample, before, outlets.onProgress);
  const [first] = explained as [Explained];
  return {
    ...BASE,
    level: first.share >= NOTABLE ? 'caution' : 'good',
    statement: statementOf(explained),
    values: explained.map(explainedValue),
    tables: [tableOf(explained)],
    figures: await figuresOf(sample, explained, changes, outlets),
    advice: explained.filter(({ share }) => share >= NOTABLE).map(({ name }) => NUISANCES[name].advice),
    caveats: caveatsOf(sets, size),
  };
}

function sampleSize({ train, synthetic }: AnalyzedSets): number {
  const fewest = Math.min(train.images, synthetic.images);
  const wanted = Math.round(fewest / SAMPLE.part);
  return Math.min(fewest, Math.max(SAMPLE.least, Math.min(SAMPLE.most, wanted)));
}

interface Sample {
  synthetic: SquareImage[];
  real: SquareImage[];
  /** Features of the synthetic images, and of the real ones. */
  ours: FeatureMatrix;
  theirs: FeatureMatrix;
}

async function sampleOf({ train, synthetic }: AnalyzedSets, size: number): Promise<Sample> {
  const [a, b] = [drawn(synthetic.images, size), drawn(train.images, size)];
  return {
    synthetic: await collected(imagesOf(synthetic, a)),
    real: await collected(imagesOf(train, b)),
    ours: rowsAt(synthetic.features, a),
    theirs: rowsAt(train.features, b),
  };
}

async function collected(images: AsyncIterable<SquareImage>): Promise<SquareImage[]> {
  const all: SquareImage[] = [];
  for await (const image of images) all.push(image);
  return all;
}

async function distancesOf(a: FeatureMatrix, b: FeatureMatrix): Promise<Distances> {
  return {
    kernel: await kernelDistance(a, b),
    frechet: frechetDistance(gaussianStatistics(a), gaussianStatistics(b)),
  };
}

/** The nuisance that explains most comes first. */
async function explainedBy(
  sets: AnalyzedSets,
  sample: Sample,
  before: Distances,
  onProgress: OnProgress,
): Promise<{ explained: Explained[]; changes: Map<NuisanceName, Change> }> {
  const explained: Explained[] = [];
  const changes = new Map<NuisanceName, Change>();
  const { synthetic, real, theirs } = sample;
  const names = Object.keys(TRANSFERS) as TransferName[];
  for (const [done, name] of names.entries()) {
    const report = () => onProgress({ done, total: names.length, unit: 'nuisances' });
    const change = TRANSFERS[name](synthetic, real);
    changes.set(name, change);
    const after = await distancesOf(await sets.extract(changed(synthetic, change, report)), theirs);
    const floor = await changeOfHalves(sets, sample, TRANSFERS[name], report);
    explained.push({ name, before, after, share: 1 - after.kernel / before.kernel, floor });
  }
  const classes = await explainedByClasses(sets, theirs, before);
  if (classes) explained.push(classes);
  return { explained: explained.sort((a, b) => b.share - a.share), changes };
}

async function* changed(
  images: readonly SquareImage[],
  change: Change,
  report: () => void,
): AsyncGenerator<SquareImage> {
  for (const image of images) {
    report();
    yield change(image);
  }
}

/** What a transfer does to the distance of two halves of the real images. */
async function changeOfHalves(
  sets: AnalyzedSets,
  { real, theirs }: Sample,
  transfer: Transfer,
  report: () => void,
): Promise<number> {
  const [first, second] = [0, 1].map((side) =>
    Int32Array.from(real.keys()).filter((i) => i % 2 === side),
  ) as [Int32Array, Int32Array];
  const imagesAt = (indices: Int32Array) => Array.from(indices, (i) => real[i] as SquareImage);
  const change = transfer(imagesAt(first), imagesAt(second));
  const after = await sets.extract(changed(imagesAt(first), change, report));
  const other = rowsAt(theirs, second);
  return (await kernelDistance(after, other)) - (await kernelDistance(rowsAt(theirs, first), other));
}

/** Synthetic images chosen in the shares of the real classes; null if that says nothing. */
async function explainedByClasses(
  { train, synthetic }: AnalyzedSets,
  theirs: FeatureMatrix,
  before: Distances,
): Promise<Explained | null> {
  if (!train.labels || !synthetic.labels) return null;
  if (classDifference(synthetic.labels, train.labels) < BALANCED) return null;
  const indices = balancedIndices(synthetic.labels, train.labels, theirs.rows);
  if (indices.length < MIN_IMAGES) return null;
  const after = await distancesOf(rowsAt(synthetic.features, indices), theirs);
  return { name: 'classes', before, after, share: 1 - after.kernel / before.kernel, floor: null };
}

function unjudged({ train, synthetic }: AnalyzedSets): AnalysisResult {
  return {
    ...BASE,
    level: 'caution',
    statement: `Not measured: ${train.images} real and ${synthetic.images} synthetic images are too few.`,
    values: [],
    tables: [],
    figures: [],
    advice: [`Give at least ${MIN_IMAGES} images of each set.`],
    caveats: [],
  };
}

function nothing({ kernel }: Distances, size: number): AnalysisResult {
  return {
    ...BASE,
    level: 'good',
    statement:
      'The synthetic images are as near to the real ones as chance allows: there is no distance to explain.',
    values: [],
    tables: [],
    figures: [],
    advice: [],
    caveats: [`Kernel distance ${kernel.toFixed(4)}, measured on ${size} images of each set.`],
  };
}

function statementOf(explained: readonly Explained[]): string {
  const named = explained
    .filter(({ share }) => share >= NOTABLE)
    .map(({ name, share }) => `${NUISANCES[name].title.toLowerCase()} (${percent(share)})`);
  if (named.length === 0)
    return 'None of the simple differences explains a notable part of the distance: the synthetic images differ in what they show.';
  const [first, ...others] = named;
  const more = others.length > 0 ? `, then by ${others.join(', ')}` : '';
  return `Most of what is simple to name in the distance to real images is explained by ${first}${more}.`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function explainedValue({ name, share, floor, before }: Explained): AnalysisValue {
  const { title, text } = NUISANCES[name];
  return {
    name,
    title: `Explained by: ${title.toLowerCase()}`,
    value: share,
    ...(floor !== null && { floor: -floor / before.kernel }),
    text: `${text} Share of the kernel distance that disappears when the synthetic images get this statistic of the real ones; beside it, what the same change does between two halves of the real images.`,
    digits: 2,
  };
}

function tableOf(explained: readonly Explained[]): AnalysisTable {
  return {
    title: 'Distance before and after each change',
    columns: ['change', 'kernel distance', 'after', 'explained', 'Fréchet distance', 'after'],
    rows: explained.map(({ name, before, after, share }) => [
      NUISANCES[name].title,
      before.kernel,
      after.kernel,
      percent(share),
      before.frechet,
      after.frechet,
    ]),
    digits: 3,
    kind: 'table',
  };
}

async function figuresOf(
  { synthetic, real }: Sample,
  explained: readonly Explained[],
  changes: ReadonlyMap<NuisanceName, Change>,
  { keep }: AnalysisOutlets,
): Promise<AnalysisFigure[]> {
  if (!keep) return [];
  const figures: AnalysisFigure[] = [];
  for (const [i, { name, share }] of explained.entries()) {
    const change = changes.get(name);
    if (!change || (i > 0 && share < NOTABLE)) continue;
    const shown = Array.from(drawn(synthetic.length, SHOWN), (at) => synthetic[at] as SquareImage);
    const rows = [
      shown,
      shown.map(change),
      Array.from(drawn(real.length, SHOWN), (at) => real[at] as SquareImage),
    ].map((row) => row.map(({ pixels, channels }) => colored(pixels, channels)));
    const file = `figures/nuisance-${name}.png`;
    await keep(file, await galleryPng(rows, (shown[0] as SquareImage).resolution));
    const { title, text } = NUISANCES[name];
    figures.push({
      title: `${title}: ${percent(share)} of the distance`,
      caption: `${text} From top to bottom: synthetic images, the same with this statistic of the real images, and real images.`,
      alt: `Synthetic images before and after the change "${title}", above real images.`,
      file,
    });
  }
  return figures;
}

function caveatsOf({ train, synthetic }: AnalyzedSets, size: number): string[] {
  const caveats = [
    `Measured on ${size} images of each set. The shares overlap, so they may add up to more than 100 %. A negative share means that the change makes the distance larger.`,
    'The Fréchet distances are too high for so few images: compare them only with each other.',
  ];
  if (!train.labels || !synthetic.labels)
    caveats.push('Class balance is left out: the classes of the images are not known.');
  else if (missingClasses(synthetic.labels, train.labels) > 0)
    caveats.push(
      `${missingClasses(synthetic.labels, train.labels)} classes of the real set have no synthetic images: choosing other images cannot give them any.`,
    );
  return caveats;
}
