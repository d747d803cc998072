/** Compares the DICOM reader with values that another implementation computed. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { readDicomFile } from '../../src/imaging/dicom/file.js';
import { modalityTransform } from '../../src/imaging/dicom/modality.js';
import type { Samples } from '../../src/imaging/dicom/native-pixels.js';
import { decodePixels, type DicomPixels } from '../../src/imaging/dicom/pixels.js';
import { renderPixels, shownLevels } from '../../src/imaging/dicom/render.js';

/**
 * One entry of `expected.json`. Samples are `flat[::size // 16][:16]`; of colors
 * `[::pixels // 8][:8]`.
 */
const expectedSchema = z.object({
  file: z.string(),
  transferSyntax: z.string(),
  rows: z.int(),
  columns: z.int(),
  samples: z.int(),
  modalityMin: z.number().optional(),
  modalityMax: z.number().optional(),
  modalityMean: z.number().optional(),
  modalitySample: z.array(z.number()).optional(),
  renderedMean: z.number().optional(),
  renderedSample: z.array(z.number()).optional(),
  hasVoi: z.boolean().optional(),
  sample: z.array(z.array(z.number())).optional(),
});
type ExpectedImage = z.output<typeof expectedSchema>;

export interface FileResult {
  file: string;
  /** Largest difference of modality values or colors, relative to their range. */
  values: number;
  /** Largest difference of the rendered picture, of 1. Absent for colors. */
  rendered?: number;
  isLossless: boolean;
  /** The largest difference that counts as agreement. */
  limit: number;
  /** Why nothing was compared. */
  failed: string | null;
}

/** Largest relative difference of lossy syntaxes. */
const LOSSY_LIMIT = 0.02;
/** Entries of palettes are rounded to 8 bits. */
const PALETTE_LIMIT = 1 / 255;
/** Expected numbers are rounded to 5 digits. */
const ROUNDING = 2e-5;
const LOSSY = /\.4\.(50|51|53|55|81|91|203)$/;

/** @throws when the folder has no expected.json of this form */
export async function runDicomParity(folder: string): Promise<FileResult[]> {
  const text = readFileSync(path.join(folder, 'expected.json'), 'utf8');
  const results: FileResult[] = [];
  for (const expected of z.array(expectedSchema).parse(JSON.parse(text)))
    results.push(await compareFile(folder, expected));
  return results;
}

export function dicomAgrees(results: readonly FileResult[]): boolean {
  return results.length > 0 && results.every(fileAgrees);
}

function fileAgrees({ values, rendered = 0, limit, failed }: FileResult): boolean {
  return failed === null && values <= limit && rendered <= limit;
}

export function formatFile(result: FileResult): string {
  const { file, values, rendered, isLossless, failed } = result;
  if (failed !== null) return `${file}: failed, ${failed}`;
  const picture = rendered === undefined ? '' : `, rendered ${rendered.toExponential(1)}`;
  const kind = isLossless ? 'lossless' : 'lossy';
  return `${file}: ${fileAgrees(result) ? 'ok' : 'DIFFERS'}, ${kind}, values ${values.toExponential(1)}${picture}`;
}

async function compareFile(folder: string, expected: ExpectedImage): Promise<FileResult> {
  const isLossless = !LOSSY.test(expected.transferSyntax);
  const limit = isLossless ? ROUNDING : LOSSY_LIMIT;
  const base = { file: expected.file, values: Number.NaN, isLossless, limit, failed: null };
  try {
    const file = readDicomFile(readFileSync(path.join(folder, expected.file)));
    const pixels = await decodePixels(file, 'first');
    const { width, height, samples, isSigned } = pixels.image;
    if (width !== expected.columns || height !== expected.rows || samples !== expected.samples)
      return { ...base, failed: `it has ${width} x ${height} pixels of ${samples} samples` };
    if (expected.sample) {
      if (pixels.image.photometric !== 'PALETTE COLOR')
        return { ...base, values: colorDifference(pixels.samples, expected.sample) };
      const { levels } = renderPixels(file.dataSet, pixels, 'full');
      return { ...base, limit: PALETTE_LIMIT, values: colorDifference(levels, expected.sample) };
    }
    const modality = modalityTransform(file.dataSet, pixels.frame, isSigned);
    const values = Float64Array.from(pixels.samples, modality.apply);
    return {
      ...base,
      values: grayDifference(values, expected),
      rendered: renderedDifference(file.dataSet, pixels, expected),
    };
  } catch (error) {
    return { ...base, failed: error instanceof Error ? error.message : String(error) };
  }
}

/** `flat[::size//count][:count]` of NumPy. */
function pick(values: ArrayLike<number>, count: number): number[] {
  const step = Math.max(1, Math.floor(values.length / count));
  const length = Math.min(count, Math.ceil(values.length / step));
  return Array.from({ length }, (_, i) => values[i * step] as number);
}

function largest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

function extremes(values: ArrayLike<number>): { low: number; high: number; mean: number } {
  let [low, high, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  return { low, high, mean: sum / values.length };
}

function grayDifference(values: Float64Array, expected: ExpectedImage): number {
  const { modalityMin = 0, modalityMax = 0, modalityMean = 0, modalitySample = [] } = expected;
  const { low, high, mean } = extremes(values);
  const range = Math.max(modalityMax - modalityMin, 1e-9);
  const differences = [
    largest([low, high, mean], [modalityMin, modalityMax, modalityMean]),
    largest(pick(values, 16).slice(0, modalitySample.length), modalitySample),
  ];
  return Math.max(...differences) / range;
}

/** The picture over its own range, 0 to 1, inverted when low values are white. */
function renderedDifference(
  dataSet: Parameters<typeof shownLevels>[0],
  pixels: DicomPixels,
  { renderedMean = 0, renderedSample = [], hasVoi }: ExpectedImage,
): number {
  const { level } = shownLevels(dataSet, pixels, hasVoi ? 'first' : 'full');
  const shown = Float64Array.from(pixels.samples, level);
  const { low, high } = extremes(shown);
  const isInverted = pixels.image.photometric === 'MONOCHROME1';
  const own = shown.map((value) => {
    const scaled = high > low ? (value - low) / (high - low) : 0;
    return isInverted ? 1 - scaled : scaled;
  });
  const sample = pick(own, 16).slice(0, renderedSample.length);
  return Math.max(Math.abs(extremes(own).mean - renderedMean), largest(sample, renderedSample));
}

/** Relative to the largest value of the samples' depth. */
function colorDifference(rgb: Samples, sample: number[][]): number {
  const pixels = Array.from({ length: rgb.length / 3 }, (_, i) => i);
  const ours = pick(pixels, sample.length).flatMap((i) => [...rgb.subarray(3 * i, 3 * i + 3)]);
  return largest(ours, sample.flat()) / (2 ** (8 * rgb.BYTES_PER_ELEMENT) - 1);
}
