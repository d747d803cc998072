/** Percentile stretch and adaptive equalization. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { equalizeAdaptively } from '../../../src/imaging/pixels/clahe.js';
import { toGray, toRgb } from '../../../src/imaging/pixels/color.js';
import { adjustContrast } from '../../../src/imaging/pixels/contrast.js';
import { encodePng } from '../../../src/imaging/pixels/png.js';
import { processImage } from '../../../src/imaging/pixels/process.js';

const SIDE = 128;
const SIZE = { width: SIDE, height: SIDE };
/** Faint structure, dark on the left and bright on the right. */
const FAINT = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
  const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
  return (x < SIDE / 2 ? 60 : 160) + ((x * 3 + y * 5) % 16);
});

/** Standard deviation of the values of a square region. */
function deviation(pixels: Uint8Array, left: number, top: number, side: number): number {
  const values: number[] = [];
  for (let y = top; y < top + side; y++)
    for (let x = left; x < left + side; x++) values.push(pixels[y * SIDE + x] as number);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

test('stretch maps the percentiles 1 and 99 to 0 and 255', () => {
  const pixels = Uint8Array.from({ length: 101 }, (_, i) => 50 + i);
  const stretched = adjustContrast(pixels, { width: 101, height: 1 }, 1, 'stretch');
  assert.deepEqual(
    [stretched[0], stretched[1], stretched[50], stretched[99], stretched[100]],
    [0, 0, 128, 255, 255],
  );
});

test('without contrast nothing changes', () => {
  assert.equal(adjustContrast(FAINT, SIZE, 1, 'none'), FAINT);
});

test('adaptive equalization raises the contrast everywhere, by at most the clip limit', () => {
  const equalized = equalizeAdaptively(FAINT, SIDE, SIDE);
  for (const [left, top] of [
    [10, 10],
    [90, 40],
    [30, 100],
  ] as const) {
    const ratio = deviation(equalized, left, top, 20) / deviation(FAINT, left, top, 20);
    assert.ok(ratio > 1.3 && ratio < 3.2, `${ratio}`);
  }
});

test('one tile is plain equalization of the clipped histogram', () => {
  // Half of the pixels have level 100, which is clipped to 2 of 256 shares.
  const pixels = Uint8Array.from({ length: 256 }, (_, i) => (i % 2 ? 100 : i));
  const equalized = equalizeAdaptively(pixels, 16, 16);
  const histogram = new Array<number>(256).fill(0);
  for (const value of pixels) histogram[value] = (histogram[value] as number) + 1;
  const clipped = histogram.map((count) => Math.min(2, count));
  const excess = (256 - clipped.reduce((a, b) => a + b, 0)) / 256;
  for (const [i, value] of pixels.entries()) {
    const below = clipped.slice(0, value + 1).reduce((a, b) => a + b + excess, 0);
    assert.equal(equalized[i], Math.round((255 * below) / 256));
  }
});

test('gray stored as RGB is equalized as gray', () => {
  const color = adjustContrast(toRgb(FAINT), SIZE, 3, 'clahe');
  assert.deepEqual(toGray(color), equalizeAdaptively(FAINT, SIDE, SIDE));
});

test('black borders do not count for the contrast', async () => {
  const file = await encodePng(FAINT.subarray(0, SIDE * 64), SIDE, 64, 1);
  const options = { resolution: SIDE, square: 'pad', color: 'grayscale', contrast: 'stretch' } as const;
  const pixels = await processImage(file, options);
  const expected = adjustContrast(FAINT.subarray(0, SIDE * 64), { width: SIDE, height: 64 }, 1, 'stretch');
  assert.deepEqual(pixels.subarray(32 * SIDE, 96 * SIDE), expected);
  assert.equal(pixels[0], 0);
});
