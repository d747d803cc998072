/** Writes a labeled folder of phantom radiographs: one subfolder a grade. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { UsageError } from '../../src/core/errors.js';
import type { OnProgress } from '../../src/core/progress.js';
import { RandomStream } from '../../src/core/random.js';
import type { Grade } from './anatomy.js';
import { type GrayImage, takeRadiograph } from './radiograph.js';

/** Default shares of grades 0...4: unbalanced, as in clinical data. */
export const DEFAULT_CLASSES: readonly number[] = [30, 25, 20, 15, 10];

/** Images being encoded while the next one is drawn. */
const IN_FLIGHT = 4;

export interface PhantomOptions {
  /**
   * Folder to write to; made if absent. It may hold an earlier, equal or smaller, set: files are
   * overwritten.
   */
  folder: string;
  /** Images in total, at least one. */
  count: number;
  /** Equal seeds give equal bytes (with the same version of sharp). Any integer. */
  seed: number;
  /**
   * Relative shares of grades 0, 1, ...; one to five positive numbers. Default: 30, 25, 20, 15, 10.
   */
  classes?: readonly number[];
  onProgress?: OnProgress;
}

export interface PhantomSet {
  folder: string;
  /** Images of each grade. */
  counts: number[];
}

interface Planned {
  grade: Grade;
  file: string;
  /** Number within its grade, from 1. */
  index: number;
}

/**
 * Writes `folder/grade-0/0001.png`, `folder/grade-0/0002.jpg`, ...: gray images of 200 to 600
 * pixels a side. An image depends on the seed, its grade and its number only, so a larger set
 * contains the smaller one.
 *
 * @throws UsageError for impossible counts or shares, or if the folder holds images that are not
 *   of this set
 */
export async function writePhantoms(options: PhantomOptions): Promise<PhantomSet> {
  const counts = shareOut(options.count, options.classes ?? DEFAULT_CLASSES);
  const plan = counts.flatMap((count, grade) => planGrade(grade as Grade, count));
  for (let grade = 0; grade < counts.length; grade++) {
    await mkdir(path.join(options.folder, `grade-${grade}`), { recursive: true });
  }
  await refuseOtherFiles(options.folder, plan);
  await writeAll(options, plan);
  return { folder: options.folder, counts };
}

/** Splits `count` by the shares with the largest remainder method. */
function shareOut(count: number, shares: readonly number[]): number[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError({
      what: `count is ${count}.`,
      where: 'count',
      hint: 'Give a whole number from 1 on.',
    });
  }
  if (
    shares.length < 1 ||
    shares.length > 5 ||
    !shares.every((share) => share > 0 && Number.isFinite(share))
  ) {
    throw new UsageError({
      what: `[${shares.join(', ')}] are no shares of grades.`,
      where: 'classes',
      hint: 'Give one to five positive numbers, e.g. 30,25,20,15,10.',
    });
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  const exact = shares.map((share) => (count * share) / total);
  const counts = exact.map(Math.floor);
  const left = count - counts.reduce((sum, n) => sum + n, 0);
  const byRemainder = exact
    .map((value, grade) => ({ grade, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.grade - b.grade);
  for (const { grade } of byRemainder.slice(0, left)) counts[grade] = (counts[grade] as number) + 1;
  return counts;
}

function planGrade(grade: Grade, count: number): Planned[] {
  return Array.from({ length: count }, (_, i) => ({
    grade,
    index: i + 1,
    file: path.join(`grade-${grade}`, `${String(i + 1).padStart(4, '0')}.${i % 2 === 0 ? 'png' : 'jpg'}`),
  }));
}

/** Other files in the folder would become part of the data set. */
async function refuseOtherFiles(folder: string, plan: Planned[]): Promise<void> {
  const ours = new Set(plan.map(({ file }) => file));
  for (const entry of await readdir(folder)) {
    const inside = /^grade-\d+$/.test(entry) ? await readdir(path.join(folder, entry)) : [''];
    const other = inside.map((name) => path.join(entry, name)).find((file) => !ours.has(file));
    if (other !== undefined) {
      throw new UsageError({
        what: 'The folder holds files that are not of this set.',
        where: path.join(folder, other),
        hint: 'Give an empty folder, or delete this one.',
      });
    }
  }
}

async function writeAll({ folder, seed, onProgress }: PhantomOptions, plan: Planned[]): Promise<void> {
  let done = 0;
  const pending = new Set<Promise<void>>();
  for (const { grade, index, file } of plan) {
    const image = takeRadiograph(new RandomStream(seed, `phantom/${grade}/${index}`), grade);
    const written = encode(image, file)
      .then((bytes) => writeFile(path.join(folder, file), bytes))
      .then(() => {
        pending.delete(written);
        onProgress?.({ done: ++done, total: plan.length, unit: 'images' });
      });
    pending.add(written);
    if (pending.size >= IN_FLIGHT) await Promise.race(pending);
  }
  await Promise.all(pending);
}

function encode({ width, height, pixels }: GrayImage, file: string): Promise<Buffer> {
  const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColorspace('b-w');
  return file.endsWith('.jpg')
    ? image.jpeg({ quality: 92 }).toBuffer()
    : image.png({ compressionLevel: 3 }).toBuffer();
}
