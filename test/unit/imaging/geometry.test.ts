/** Cropping, padding, resizing, mirroring and color conversion. */
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { toGray, toRgb } from '../../../src/imaging/pixels/color.js';
import { mirrorImage } from '../../../src/imaging/pixels/mirror.js';
import { decodePng, encodePng } from '../../../src/imaging/pixels/png.js';
import { processImage } from '../../../src/imaging/pixels/process.js';
import { planSquare } from '../../../src/imaging/pixels/square.js';

const sized = (width: number, height: number) => ({ left: 0, top: 0, width, height });

test('cropping takes the central square', () => {
  assert.deepEqual(planSquare(sized(300, 200), 64, 'crop').source, {
    left: 50,
    top: 0,
    width: 200,
    height: 200,
  });
  assert.deepEqual(planSquare(sized(101, 200), 64, 'crop').source, {
    left: 0,
    top: 49,
    width: 101,
    height: 101,
  });
});

test('padding keeps the whole image and centers it', () => {
  assert.deepEqual(planSquare(sized(300, 150), 64, 'pad'), {
    source: { left: 0, top: 0, width: 300, height: 150 },
    target: { left: 0, top: 16, width: 64, height: 32 },
  });
  const thin = { left: 0, top: 31, width: 64, height: 1 };
  assert.deepEqual(planSquare(sized(10_000, 1), 64, 'pad').target, thin);
});

test('wide and tall crop to 4:3 and 3:4, and center that between borders', () => {
  assert.deepEqual(planSquare(sized(1000, 300), 64, 'wide'), {
    source: { left: 300, top: 0, width: 400, height: 300 },
    target: { left: 0, top: 8, width: 64, height: 48 },
  });
  assert.deepEqual(planSquare(sized(300, 1000), 64, 'tall'), {
    source: { left: 0, top: 300, width: 300, height: 400 },
    target: { left: 8, top: 0, width: 48, height: 64 },
  });
  assert.deepEqual(planSquare(sized(300, 1000), 64, 'wide').source, {
    left: 0,
    top: 387,
    width: 300,
    height: 225,
  });
});

test('only the content of an image becomes square', () => {
  const content = { left: 10, top: 20, width: 100, height: 60 };
  assert.deepEqual(planSquare(content, 64, 'crop').source, { left: 30, top: 20, width: 60, height: 60 });
  assert.deepEqual(planSquare(content, 64, 'pad').source, content);
});

test('padding gives black borders around the image', async () => {
  const file = await sharp(Buffer.alloc(40 * 20, 200), { raw: { width: 40, height: 20, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  for (const [color, channels] of [
    ['grayscale', 1],
    ['rgb', 3],
  ] as const) {
    const pixels = await processImage(file, { resolution: 16, square: 'pad', color });
    const row = (y: number) => new Set(pixels.subarray(y * 16 * channels, (y + 1) * 16 * channels));
    assert.deepEqual([...row(0)], [0]);
    assert.deepEqual([...row(3)], [0]);
    assert.deepEqual([...row(8)], [200]);
    assert.deepEqual([...row(12)], [0]);
  }
});

test('detail finer than the output is averaged, not sampled', async () => {
  const stripes = Buffer.from(Array.from({ length: 256 * 256 }, (_, i) => (i % 2) * 255));
  const file = await sharp(stripes, { raw: { width: 256, height: 256, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const pixels = await processImage(file, { resolution: 32, square: 'crop', color: 'grayscale' });
  for (const value of pixels) assert.ok(Math.abs(value - 127.5) < 6, `${value}`);
});

test('mirroring reverses the columns, and mirroring twice gives the original image', () => {
  const pixels = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.deepEqual([...mirrorImage(pixels, 2, 2, 3)], [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
  assert.deepEqual(mirrorImage(mirrorImage(pixels, 2, 2, 3), 2, 2, 3), pixels);
});

test('gray stored as RGB is unchanged', () => {
  const values = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(toGray(toRgb(values)), values);
  assert.deepEqual([...toGray(Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255]))], [76, 150, 29]);
});

test('the same pixels give the same PNG file, and decoding it gives the pixels', async () => {
  for (const channels of [1, 3] as const) {
    const pixels = Uint8Array.from({ length: 32 * 32 * channels }, (_, i) => (i * 37) % 256);
    const png = await encodePng(pixels, 32, 32, channels);
    assert.deepEqual(await encodePng(pixels, 32, 32, channels), png);
    assert.deepEqual(Uint8Array.from(await decodePng(png, { width: 32, height: 32, channels })), pixels);
    assert.equal((await sharp(png).metadata()).channels, channels);
  }
});
