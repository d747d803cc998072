/** Resampling, compared with a straightforward implementation of its definition. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProcessOptions, processImage } from '../../../src/imaging/pixels/process.js';
import { Resampler } from '../../../src/imaging/pixels/resample.js';
import { encodePng } from '../../../src/imaging/pixels/png.js';

interface Image {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
}

function lanczos3(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  return (3 * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / 3)) / (Math.PI * x) ** 2;
}

/**
 * One output sample of a line at a time: a windowed sinc about the center, stretched by the scale
 * when the line becomes shorter, normalized over the samples that exist.
 */
function resampledLine(line: readonly number[], size: number): number[] {
  const scale = line.length / size;
  const stretch = Math.max(1, scale);
  return Array.from({ length: size }, (_, i) => {
    const center = (i + 0.5) * scale;
    let [sum, weights] = [0, 0];
    for (
      let j = Math.max(0, Math.floor(center - 3 * stretch));
      j < center + 3 * stretch && j < line.length;
      j++
    ) {
      const weight = lanczos3((j + 0.5 - center) / stretch);
      sum += weight * (line[j] as number);
      weights += weight;
    }
    return Math.min(255, Math.max(0, sum / weights));
  });
}

/** Horizontally, then vertically. */
function reference(
  { width, height, channels, pixels }: Image,
  size: { width: number; height: number },
): number[] {
  const output = new Array<number>(size.width * size.height * channels);
  for (let c = 0; c < channels; c++) {
    const rows = Array.from({ length: height }, (_, y) =>
      resampledLine(
        Array.from({ length: width }, (_, x) => pixels[(y * width + x) * channels + c] as number),
        size.width,
      ),
    );
    for (let x = 0; x < size.width; x++) {
      const column = resampledLine(
        rows.map((row) => row[x] as number),
        size.height,
      );
      for (const [y, value] of column.entries()) output[(y * size.width + x) * channels + c] = value;
    }
  }
  return output;
}

/** Noise, edges and a gradient. */
function drawing(width: number, height: number, channels: 1 | 3): Image {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    if (x % 40 < 6) return ((x + y) % 2) * 255;
    return (x * 3 + y * 2 + ((i * 7919) % 31) + (i % channels) * 40) % 256;
  });
  return { width, height, channels, pixels };
}

function assertWithinOne(actual: Uint8Array, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries())
    worst = Math.max(worst, Math.abs(Math.round(value) - (actual[i] as number)));
  assert.ok(worst <= 1, `${worst} levels apart`);
}

const SIZES = [
  { from: [224, 224], to: [256, 256] },
  { from: [300, 300], to: [64, 64] },
  { from: [301, 257], to: [63, 129] },
  { from: [7, 500], to: [64, 3] },
  { from: [1, 1], to: [16, 16] },
] as const;
for (const { from, to } of SIZES) {
  for (const channels of [1, 3] as const) {
    test(`${from.join(' x ')} to ${to.join(' x ')} with ${channels} channels is Lanczos about the center`, () => {
      const image = drawing(from[0], from[1], channels);
      const size = { width: to[0], height: to[1] };
      const region = { left: 0, top: 0, width: image.width, height: image.height };
      const resampler = new Resampler(image.width, channels, region, size);
      resampler.addRows(image.pixels);
      assertWithinOne(resampler.finish(), reference(image, size));
    });
  }
}

test('2000 to 512 pixels is Lanczos about the center', () => {
  // The same rows everywhere, so that the reference has to compute only one.
  const line = Array.from(drawing(2000, 1, 1).pixels);
  const resampler = new Resampler(
    2000,
    1,
    { left: 0, top: 0, width: 2000, height: 2000 },
    { width: 512, height: 512 },
  );
  for (let y = 0; y < 2000; y++) resampler.addRows(Uint8Array.from(line));
  const pixels = resampler.finish();
  const expected = resampledLine(line, 512);
  for (const row of [0, 255, 511]) assertWithinOne(pixels.subarray(row * 512, (row + 1) * 512), expected);
});

test('a region is resized as if it were an image of its own, however its rows arrive', () => {
  for (const channels of [1, 3] as const) {
    const image = drawing(90, 70, channels);
    const region = { left: 11, top: 9, width: 50, height: 41 };
    const cut = { ...region, channels, pixels: new Uint8Array(50 * 41 * channels) };
    for (let y = 0; y < 41; y++) {
      const start = ((y + 9) * 90 + 11) * channels;
      cut.pixels.set(image.pixels.subarray(start, start + 50 * channels), y * 50 * channels);
    }
    const resampler = new Resampler(90, channels, region, { width: 32, height: 32 });
    for (let y = 0; y < 70; y += 7)
      resampler.addRows(image.pixels.subarray(y * 90 * channels, (y + 7) * 90 * channels));
    assertWithinOne(resampler.finish(), reference(cut, { width: 32, height: 32 }));
  }
});

test('images of their own size and flat images keep their values', () => {
  const image = drawing(64, 64, 1);
  const region = { left: 0, top: 0, width: 64, height: 64 };
  const same = new Resampler(64, 1, region, region);
  same.addRows(image.pixels);
  assert.deepEqual(same.finish(), image.pixels);
  for (const side of [17, 64, 200]) {
    const flat = new Resampler(64, 1, region, { width: side, height: side });
    flat.addRows(new Uint8Array(64 * 64).fill(201));
    assert.deepEqual(flat.finish(), new Uint8Array(side * side).fill(201));
  }
});

test('a file is cropped or padded, and then resampled', async () => {
  for (const channels of [1, 3] as const) {
    const image = drawing(97, 61, channels);
    const file = await encodePng(image.pixels, image.width, image.height, channels);
    const options: Omit<ProcessOptions, 'square'> = {
      resolution: 128,
      color: channels === 1 ? 'grayscale' : 'rgb',
    };
    const padded = await processImage(file, { ...options, square: 'pad' });
    const inner = reference(image, { width: 128, height: 80 });
    assertWithinOne(padded.subarray(24 * 128 * channels, 104 * 128 * channels), inner);
    const cropped = await processImage(file, { ...options, square: 'crop' });
    const middle = { ...image, width: 61, pixels: new Uint8Array(61 * 61 * channels) };
    for (let y = 0; y < 61; y++) {
      const start = (y * 97 + 18) * channels;
      middle.pixels.set(image.pixels.subarray(start, start + 61 * channels), y * 61 * channels);
    }
    assertWithinOne(cropped, reference(middle, { width: 128, height: 128 }));
  }
});
