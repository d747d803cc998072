/** Small JPEG files that are decoded without libvips. */
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { ImageError } from '../../../src/core/errors.js';
import { processImage } from '../../../src/imaging/pixels/process.js';
import { inspectJpeg } from '../../../src/imaging/pixels/jpeg-file.js';
import { decodeSmallJpeg } from '../../../src/imaging/pixels/small-jpeg.js';

const WIDTH = 83;
const HEIGHT = 61;

function picture(channels: 1 | 3) {
  const pixels = Uint8Array.from(
    { length: WIDTH * HEIGHT * channels },
    (_, i) => 128 + 90 * Math.sin(i / 37) + 30 * Math.cos((i * i) / 5000),
  );
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(
    channels === 1 ? 'b-w' : 'srgb',
  );
}

async function decode(file: Uint8Array): Promise<Uint8Array | null> {
  const raster = await decodeSmallJpeg(inspectJpeg(file));
  if (raster === null) return null;
  for await (const strip of raster.strips()) return strip as Uint8Array;
  throw new Error('no rows');
}

test('the pixels are those of libvips: gray and color, sequential and progressive, every sampling', async () => {
  for (const channels of [1, 3] as const)
    for (const progressive of [false, true])
      for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
        const file = await picture(channels).jpeg({ quality: 85, progressive, chromaSubsampling }).toBuffer();
        const expected = await sharp(file)
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .raw()
          .toBuffer();
        assert.deepEqual(Buffer.from((await decode(file)) ?? []), expected);
      }
});

test('files with an orientation, in CMYK or damaged are left to libvips', async () => {
  const turned = await picture(1).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const cmyk = await picture(3).toColourspace('cmyk').jpeg().toBuffer();
  const damaged = await picture(1).jpeg().toBuffer();
  damaged.fill(0x55, damaged.length - 400, damaged.length - 300);
  for (const file of [turned, cmyk, damaged]) assert.equal(await decode(file), null);
  const options = { resolution: 16, square: 'crop', color: 'grayscale' } as const;
  await assert.rejects(processImage(damaged, options), ImageError);
  // The file after a damaged one is decoded as before.
  assert.ok(await decode(await picture(1).jpeg().toBuffer()));
});
