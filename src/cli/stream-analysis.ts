/** The analyses of `gist metrics`: its options, their files and their text. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../core/errors.js';
import type { StreamAnalysis } from '../evaluation/index.js';
import { type AnalysisResult, REJECTION_VALUES } from '../spec/analyses.js';
import { IMAGE_ANALYSES, type ImageAnalysis } from '../spec/evaluate.js';
import type { ExtractorName } from '../spec/metrics.js';
import { table } from './terminal.js';

interface AnalysisOptions {
  analyses?: string;
  /** With chosen metrics there are no analyses unless they are chosen too. */
  metrics?: string;
  holdout?: string;
  out?: string;
  rejectAbove?: string;
}

/** @returns null without analyses */
export async function streamAnalysis(
  { analyses, metrics, holdout, out, rejectAbove }: AnalysisOptions,
  extractor: ExtractorName,
  onStep: (step: string, done: number, total: number | undefined) => void,
): Promise<StreamAnalysis | null> {
  const names = parseAnalyses(analyses ?? (metrics === undefined ? IMAGE_ANALYSES.join(',') : 'none'));
  const rejected = rejectAbove === undefined ? null : rejectionOf(rejectAbove, names, out);
  if (names.length === 0) {
    if (holdout === undefined) return null;
    throw new UsageError({
      what: 'only analyses use unseen images, and none is asked for',
      where: '--holdout',
      hint: `Add --analyses ${IMAGE_ANALYSES.join(',')}.`,
    });
  }
  const { StreamAnalysis } = await import('../evaluation/index.js');
  return new StreamAnalysis({
    names,
    rejectAbove: rejected,
    extractor,
    keep: out === undefined ? null : (file, bytes) => write(path.join(out, file), bytes),
    onProgress: ({ done, total, unit }) => onStep(`analyses: ${unit}`, done, total),
  });
}

/** @throws UsageError where nothing would judge images, or take the list of rejected ones */
function rejectionOf(share: string, names: readonly ImageAnalysis[], out: string | undefined): number {
  const value = Number(share);
  const where = '--reject-above';
  if (!(value >= 0.5 && value < 1))
    throw new UsageError({
      what: `${share.slice(0, 60)} is not a share of real images from 0.5 to less than 1`,
      where,
      hint: 'Write --reject-above 0.99.',
    });
  if (!names.includes('artifacts') || out === undefined)
    throw new UsageError({
      what: 'images are judged by the analysis artifacts, and listed in a folder',
      where,
      hint: 'Add --analyses artifacts --out FOLDER.',
    });
  return value;
}

/**
 * Writes the names of rejected images, one a line.
 *
 * @param names of the synthetic images, in the order in which they were judged
 * @returns the file; none when there were too few images to judge by
 */
export async function writeRejected(
  out: string,
  names: readonly string[],
  analyses: readonly AnalysisResult[],
): Promise<string[]> {
  const values = analyses.flatMap((result) => result.values);
  if (!values.some(({ name }) => name === REJECTION_VALUES.count)) return [];
  const { rejected } = JSON.parse(await readFile(path.join(out, 'artifacts.json'), 'utf8')) as {
    rejected: number[];
  };
  const file = path.join(out, 'rejected.txt');
  await writeFile(file, rejected.map((i) => `${names[i]}\n`).join(''));
  return [file];
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

/** @throws UsageError for an unknown analysis */
function parseAnalyses(names: string): ImageAnalysis[] {
  if (names.trim() === 'none') return [];
  return names.split(',').map((name) => {
    const known = IMAGE_ANALYSES.find((analysis) => analysis === name.trim());
    if (known) return known;
    throw new UsageError({
      what: `there is no analysis "${name.trim().slice(0, 60)}"`,
      where: '--analyses',
      hint: `There are: ${IMAGE_ANALYSES.join(', ')}; or none.`,
    });
  });
}

/** Lines for people. */
export function analysisText({ title, level, statement, values, advice, caveats }: AnalysisResult): string[] {
  const rows = values.map(({ name, value, interval, floor, digits }) => [
    `  ${name}`,
    value.toFixed(digits),
    interval ? `${interval.low.toFixed(digits)} to ${interval.high.toFixed(digits)}` : '',
    floor === undefined ? '' : `real images: ${floor.toFixed(digits)}`,
  ]);
  return [
    '',
    `${title} [${level}]`,
    statement,
    ...(rows.length > 0 ? [table(rows)] : []),
    ...advice.map((line) => `Advice: ${line}`),
    ...caveats.map((caveat) => `Note: ${caveat}`),
  ];
}
