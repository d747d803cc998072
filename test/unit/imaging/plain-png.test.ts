/** Small PNG files that are decoded without libvips. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodePlainPng } from '../../../src/imaging/pixels/plain-png.js';
import { inspectPng } from '../../../src/imaging/pixels/png-file.js';

async function decode(file: Uint8Array): Promise<Uint8Array> {
  const { plain } = inspectPng(file);
  assert.ok(plain);
  for await (const strip of decodePlainPng(plain).strips()) return strip as Uint8Array;
  throw new Error('no rows');
}

test('the pixels are those of libvips, with every filter', async () => {
  for (const channels of [1, 3] as const) {
    const [width, height] = [53, 41];
    const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * i + (i >> 3)) % 256);
    const image = sharp(pixels, { raw: { width, height, channels } }).toColourspace(
      channels === 1 ? 'b-w' : 'srgb',
    );
    for (const adaptiveFiltering of [false, true])
      assert.deepEqual(await decode(await image.clone().png({ adaptiveFiltering }).toBuffer()), pixels);
  }
});

test('filters are reversed as the standard defines them', async () => {
  // The second of two rows: its pixels have neighbors to the left, above and between.
  const expected: Record<number, number[]> = {
    0: [250, 10, 30],
    1: [250, 4, 34],
    2: [255, 16, 37],
    3: [252, 139, 103],
    4: [255, 9, 39],
  };
  for (const [type, second] of Object.entries(expected)) {
    const data = [deflateSync(Uint8Array.from([0, 5, 6, 7, Number(type), 250, 10, 30]))];
    const raster = decodePlainPng({ width: 3, height: 2, channels: 1, data });
    for await (const pixels of raster.strips())
      assert.deepEqual([...pixels], [5, 6, 7, ...second], `filter ${type}`);
  }
});

test('rows that are missing or too many, and unknown filters, are damage', () => {
  const png = (bytes: number[]) => ({
    width: 2,
    height: 2,
    channels: 1 as const,
    data: [deflateSync(Uint8Array.from(bytes))],
  });
  assert.throws(() => decodePlainPng(png([0, 1, 2, 0, 3])), /is truncated/);
  assert.throws(() => decodePlainPng(png([0, 1, 2, 9, 3, 4])), /is corrupt/);
  assert.throws(() => decodePlainPng(png([0, 1, 2, 0, 3, 4, 0, 5, 6])), /is corrupt/);
});

test('only plain and small files are decoded this way', async () => {
  const image = (channels: 1 | 2 | 4) =>
    sharp(Buffer.alloc(20 * 20 * channels, 90), { raw: { width: 20, height: 20, channels } });
  assert.ok(inspectPng(await image(1).toColourspace('b-w').png().toBuffer()).plain);
  for (const file of [
    image(2).png(),
    image(4).png(),
    image(1).png({ progressive: true }),
    image(1).toColourspace('grey16').png(),
    image(1).withMetadata({ orientation: 6 }).png(),
    image(1).resize(1100, 1100).png(),
  ])
    assert.equal(inspectPng(await file.toBuffer()).plain, undefined);
});
