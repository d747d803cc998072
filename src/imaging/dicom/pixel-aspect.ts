/** The shape of a pixel: height divided by width (PS3.3 sections C.7.6.3.1.7 and 10.7.1). */
import type { DicomDataSet } from './data-set.js';
import { functionalGroup } from './functional-groups.js';

const PIXEL_ASPECT_RATIO = 0x00280034;
const PIXEL_MEASURES = 0x00289110;
/** Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing: row spacing comes first. */
const SPACINGS = [0x00280030, 0x00181164, 0x00182010];
/** Spacings are written with a few digits. */
const SQUARE_TOLERANCE = 0.005;
/** A ratio beyond it is an error of the file. */
const MAX_RATIO = 20;

/** @returns 1 for square pixels, and when the file does not say */
export function pixelAspect(dataSet: DicomDataSet, frame: number): number {
  const measures = functionalGroup(dataSet, PIXEL_MEASURES, frame);
  const spacings = SPACINGS.map((tag) => dataSet.numbers(tag, 'DS'));
  const measured = measures?.numbers(0x00280030, 'DS') ?? [];
  const ratio = dataSet.numbers(PIXEL_ASPECT_RATIO, 'IS');
  for (const [vertical, horizontal] of [...spacings, measured, ratio]) {
    if (!vertical || !horizontal || vertical < 0 || horizontal < 0) continue;
    const aspect = vertical / horizontal;
    if (aspect > MAX_RATIO || aspect < 1 / MAX_RATIO) continue;
    return Math.abs(aspect - 1) <= SQUARE_TOLERANCE ? 1 : aspect;
  }
  return 1;
}
