/**
 * Features and metrics against a folder of references: features of networks with weights from a
 * formula, and metrics of given features.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { loadClassifier } from '../../src/evaluation/extractors/classifier.js';
import { EXTRACTORS } from '../../src/evaluation/extractors/index.js';
import type { SquareImage } from '../../src/evaluation/extractors/input.js';
import { authenticity, authenticityVariance } from '../../src/evaluation/metrics/authenticity.js';
import {
  ballsAround,
  coveredVariance,
  densityVariance,
  insideVariance,
} from '../../src/evaluation/metrics/balls.js';
import { densityCoverage } from '../../src/evaluation/metrics/density-coverage.js';
import { type FeatureMatrix, firstRows } from '../../src/evaluation/metrics/feature-matrix.js';
import { frechetDistance, gaussianStatistics } from '../../src/evaluation/metrics/frechet-distance.js';
import { frechetError } from '../../src/evaluation/metrics/frechet-metric.js';
import { kernelDistance, kernelError } from '../../src/evaluation/metrics/kid.js';
import { precisionRecall } from '../../src/evaluation/metrics/precision-recall.js';
import { radiomicMetric } from '../../src/evaluation/metrics/radiomic-distance.js';
import { msSsim, ssim } from '../../src/evaluation/metrics/ssim.js';
import { radiomicFeatures } from '../../src/evaluation/radiomics/features.js';
import { CLASSIFIERS, type Classifier } from '../../src/nn/classifiers/index.js';
import { decodeSafetensors, type NamedTensor } from '../../src/nn/formats/safetensors.js';
import { formulaState } from './formula-weights.js';

/** Tolerance of features, relative to the largest; and of metrics, relative to values above 1. */
const FEATURES = 1e-3;
const METRIC = 1e-4;
/** References have few images. */
const BATCH = 4;

export type ParityLine =
  | { name: string; error: number; tolerance: number }
  | { name: string; failed: string }
  | { name: string; skipped: string };

/** The files of a folder, each of which may be absent. */
export const METRIC_CASES = [
  'inception.expected.safetensors',
  'classifiers.expected.safetensors',
  'effnetlite0.expected.safetensors',
  'metrics.expected.json',
  'more-metrics.expected.json',
  'radiomics.expected.json',
  'errors.expected.json',
] as const;

type Tensors = Record<string, NamedTensor>;

/** A file that is damaged or lacks another one fails with its reason; the others still run. */
export async function* runMetricParity(folder: string): AsyncGenerator<ParityLine> {
  const has = (file: string) => existsSync(path.join(folder, file));
  const runs = {
    'inception.expected.safetensors': () => inceptionFeatures(folder),
    'classifiers.expected.safetensors': () => classifierFeatures(folder),
    'effnetlite0.expected.safetensors': () => liteFeatures(folder),
    'metrics.expected.json': () => metrics(folder),
    'more-metrics.expected.json': () => moreMetrics(folder),
    'radiomics.expected.json': () => radiomics(folder),
    'errors.expected.json': () => standardErrors(folder),
  };
  for (const file of METRIC_CASES) {
    if (has(file)) yield* guarded(file, runs[file]());
    else yield { name: file, skipped: 'absent' };
  }
}

async function* guarded(name: string, lines: AsyncGenerator<ParityLine>): AsyncGenerator<ParityLine> {
  try {
    yield* lines;
  } catch (error) {
    yield { name, failed: error instanceof Error ? error.message : String(error) };
  }
}

export function formatParity(line: ParityLine): string {
  if ('skipped' in line) return `skipped   ${line.name} (${line.skipped})`;
  if ('failed' in line) return `FAILED    ${line.name}: ${line.failed}`;
  const verdict = agrees(line) ? 'ok       ' : 'MISMATCH ';
  return `${verdict} ${line.name}  error ${line.error.toExponential(1)}, tolerance ${line.tolerance}`;
}

export function agrees(line: ParityLine): boolean {
  return 'skipped' in line || ('error' in line && line.error <= line.tolerance);
}

async function* inceptionFeatures(folder: string): AsyncGenerator<ParityLine> {
  const expected = tensors(folder, 'inception.expected.safetensors');
  const network = await loadClassifier(
    CLASSIFIERS.inception,
    formulaState(CLASSIFIERS.inception, seedOf(folder)),
    'formula',
    BATCH,
  );
  /** Layers by the names of the references. */
  const layers: Record<string, string> = { 2048: 'features', logits_unbiased: 'logits' };
  try {
    for (const [key, images] of Object.entries(expected)) {
      const size = /^images\.(\d+)$/.exec(key)?.[1];
      if (size === undefined) continue;
      const outputs = await network.outputs(imagesOf(images));
      for (const [name, wanted] of Object.entries(expected)) {
        if (!name.startsWith(`features.${size}.`)) continue;
        const layer = name.slice(`features.${size}.`.length);
        yield relative(`inception ${size} px ${layer}`, outputs[layers[layer] ?? layer], wanted.data);
      }
    }
  } finally {
    network.dispose();
  }
}

async function* classifierFeatures(folder: string): AsyncGenerator<ParityLine> {
  const expected = tensors(folder, 'classifiers.expected.safetensors');
  for (const [name, classifier] of Object.entries<Classifier>(CLASSIFIERS)) {
    const wanted = ['features', 'logits'].filter((layer) => expected[`${name}.${layer}`]);
    if (wanted.length === 0) continue;
    const images = expected[`images.${classifier.side}`];
    if (!images) {
      yield { name, skipped: `no images of ${classifier.side} px` };
      continue;
    }
    const network = await loadClassifier(
      classifier,
      formulaState(classifier, seedOf(folder)),
      'formula',
      BATCH,
    );
    const outputs = await network.outputs(imagesOf(images));
    network.dispose();
    for (const layer of wanted)
      yield relative(`${name} ${layer}`, outputs[layer], expected[`${name}.${layer}`]?.data);
  }
}

async function* liteFeatures(folder: string): AsyncGenerator<ParityLine> {
  const { images, features } = tensors(folder, 'effnetlite0.expected.safetensors');
  if (!images || !features) throw new Error('effnetlite0.expected.safetensors lacks images or features');
  const extractor = await EXTRACTORS.effnetlite0.load();
  const found = await extractor.extract(imagesOf(images));
  extractor.dispose();
  yield relative('effnetlite0 features', found, features.data);
}

const metricsSchema = z.object({
  fid: z.object({ frechet_inception_distance: z.number() }).optional(),
  kid_full_unbiased_poly3: z.number().optional(),
  prc: z.object({ precision: z.number(), recall: z.number() }).optional(),
});

async function* metrics(folder: string): AsyncGenerator<ParityLine> {
  const expected = metricsSchema.parse(json(folder, 'metrics.expected.json'));
  const { real, fake } = featuresOf(folder);
  if (expected.fid) {
    const distance = frechetDistance(gaussianStatistics(real), gaussianStatistics(fake));
    yield value('FID', distance, expected.fid.frechet_inception_distance);
  }
  if (expected.kid_full_unbiased_poly3 !== undefined)
    yield value('KID', await kernelDistance(fake, real), expected.kid_full_unbiased_poly3);
  if (expected.prc) {
    const { precision, recall } = await precisionRecall(real, fake);
    yield value('precision (k = 3)', precision, expected.prc.precision);
    yield value('recall (k = 3)', recall, expected.prc.recall);
  }
}

async function* moreMetrics(folder: string): AsyncGenerator<ParityLine> {
  const expected = z.record(z.string(), z.unknown()).parse(json(folder, 'more-metrics.expected.json'));
  const { real, fake } = featuresOf(folder);
  for (const [key, wanted] of Object.entries(expected)) {
    const k = /^prdc_k(\d+)$/.exec(key)?.[1];
    const similar = /^(ms_ssim|ssim)_(\d+)_image(\d+)_rolled(\d+)$/.exec(key);
    if (k !== undefined) yield* prdc(real, fake, Number(k), wanted);
    else if (key === 'authenticity_percent')
      yield value('authenticity', 100 * (await authenticity(real, fake)), z.number().parse(wanted));
    else if (similar) yield similarity(folder, key, similar, z.number().parse(wanted));
    else yield { name: key, skipped: 'unknown metric' };
  }
}

async function* prdc(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  k: number,
  wanted: unknown,
): AsyncGenerator<ParityLine> {
  const expected = z.record(z.string(), z.number()).parse(wanted);
  const found: Record<string, number> = {
    ...(await precisionRecall(real, fake, { k })),
    ...(await densityCoverage(real, fake, { k })),
  };
  for (const [name, number] of Object.entries(expected))
    yield value(`${name} (k = ${k})`, found[name] ?? Number.NaN, number);
}

const radiomicsSchema = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      side: z.int(),
      pixels: z.base64(),
      features: z.record(z.string(), z.number()),
    }),
  ),
});

/** Each feature of each image, by the largest difference of an image. */
async function* radiomics(folder: string): AsyncGenerator<ParityLine> {
  const { cases } = radiomicsSchema.parse(json(folder, 'radiomics.expected.json'));
  for (const { name, side, pixels, features } of cases) {
    const image = {
      resolution: side,
      channels: 1 as const,
      pixels: Uint8Array.from(Buffer.from(pixels, 'base64')),
    };
    const found = radiomicFeatures(image);
    for (const [feature, wanted] of Object.entries(features))
      yield value(`radiomics ${name} ${feature}`, found[feature] ?? Number.NaN, wanted);
  }
}

const errorsSchema = z.object({ rows: z.tuple([z.int(), z.int()]) }).catchall(z.number());

/** Standard errors of the first rows, by leaving out each; the Frechet distance on six features. */
async function* standardErrors(folder: string): AsyncGenerator<ParityLine> {
  const { rows, ...expected } = errorsSchema.parse(json(folder, 'errors.expected.json'));
  const { real, fake } = featuresOf(folder);
  const [a, b] = [firstRows(fake, rows[0]), firstRows(real, rows[1])];
  const quiet = () => undefined;
  const [precision, recall, balls] = [
    await ballsAround(b, a, 3),
    await ballsAround(a, b, 3),
    await ballsAround(b, a, 5),
  ];
  const found: Record<string, number> = {
    frd: (await radiomicMetric.compare(fake, real, quiet))[''],
    kid: await kernelError(a, b),
    fd: await frechetError(columnsOf(fake, 200, 6), columnsOf(real, 300, 6), quiet),
    precision: Math.sqrt(insideVariance(precision)),
    recall: Math.sqrt(insideVariance(recall)),
    density: Math.sqrt(densityVariance(balls)),
    coverage: Math.sqrt(coveredVariance(balls)),
    authenticity: Math.sqrt(await authenticityVariance(b, a)),
  };
  for (const [name, wanted] of Object.entries(expected)) {
    const number = found[name] ?? Number.NaN;
    if (name === 'frd') yield value(name, number, wanted);
    else
      yield {
        name: `error of ${name}`,
        error: Math.abs(number / wanted - 1),
        tolerance: TOLERANCES[name] ?? METRIC,
      };
  }
}

/** The influence function is the limit of the jackknife for many images. */
const TOLERANCES: Record<string, number> = { fd: 0.03 };

function columnsOf({ columns, data }: FeatureMatrix, rows: number, kept: number): FeatureMatrix {
  const values = Float64Array.from(
    { length: rows * kept },
    (_, i) => data[Math.floor(i / kept) * columns + (i % kept)] as number,
  );
  return { rows, columns: kept, data: values };
}

/** An image against itself moved to the right by some columns, wrapped. */
function similarity(folder: string, name: string, parts: RegExpExecArray, wanted: number): ParityLine {
  const [, kind, size, index, shift] = parts;
  const file = ['classifiers', 'inception', 'effnetlite0'].find((candidate) => {
    const source = `${candidate}.expected.safetensors`;
    return existsSync(path.join(folder, source)) && tensors(folder, source)[`images.${size}`];
  });
  const images = file && tensors(folder, `${file}.expected.safetensors`)[`images.${size}`];
  const image = images && imagesOf(images)[Number(index)];
  if (!image) return { name, skipped: `no image ${index} of ${size} px` };
  const { resolution: side, channels, pixels } = image;
  const moved = pixels.map((_, i) => {
    const [row, column, channel] = [
      Math.floor(i / channels / side),
      Math.floor(i / channels) % side,
      i % channels,
    ];
    return pixels[(row * side + ((column + side - Number(shift)) % side)) * channels + channel] as number;
  });
  const compare = kind === 'ssim' ? ssim : msSsim;
  return value(name, compare({ side, channels, pixels }, { side, channels, pixels: moved }), wanted);
}

function relative(
  name: string,
  found: Float32Array | undefined,
  wanted: Float32Array | undefined,
): ParityLine {
  let error = found && wanted && found.length === wanted.length ? 0 : Number.POSITIVE_INFINITY;
  let largest = 0;
  wanted?.forEach((number, i) => {
    largest = Math.max(largest, Math.abs(number));
    error = Math.max(error, Math.abs(number - (found?.[i] ?? Number.NaN)));
  });
  return { name, error: largest > 0 ? error / largest : error, tolerance: FEATURES };
}

function value(name: string, found: number, wanted: number): ParityLine {
  return { name, error: Math.abs(found - wanted) / Math.max(1, Math.abs(wanted)), tolerance: METRIC };
}

function seedOf(folder: string): number {
  return z.object({ formulaSeed: z.int() }).parse(json(folder, 'case.json')).formulaSeed;
}

function json(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
}

function tensors(folder: string, file: string): Tensors {
  return decodeSafetensors(readFileSync(path.join(folder, file)), file);
}

function featuresOf(folder: string): { real: FeatureMatrix; fake: FeatureMatrix } {
  const { real, fake } = tensors(folder, 'features.safetensors');
  if (!real || !fake) throw new Error('features.safetensors lacks real or fake');
  return { real: matrix(real), fake: matrix(fake) };
}

function matrix({ shape, data }: NamedTensor): FeatureMatrix {
  return { rows: shape[0] as number, columns: shape[1] as number, data };
}

/** [n, channels, side, side] as images [side, side, channels]. */
function imagesOf({ shape, data }: NamedTensor): SquareImage[] {
  const [count, channels, side] = shape as [number, 1 | 3, number];
  const area = side * side;
  return Array.from({ length: count }, (_, image) => ({
    resolution: side,
    channels,
    pixels: Uint8Array.from(
      { length: area * channels },
      (_, i) => data[(image * channels + (i % channels)) * area + Math.floor(i / channels)] as number,
    ),
  }));
}
