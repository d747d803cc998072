/** Valid and invalid image files of every format through the whole of processing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { ImageError } from '../../../src/core/errors.js';
import { type ProcessOptions, processImage } from '../../../src/imaging/pixels/process.js';
import { grayPng, pngOfSize } from '../../support/images.js';

const GRAY: ProcessOptions = { resolution: 16, square: 'crop', color: 'grayscale' };
const RGB: ProcessOptions = { ...GRAY, color: 'rgb' };

/** 32 x 16 pixels in four quadrants: top left, top right, bottom left, bottom right. */
function quadrants(values: readonly [number, number, number, number]): Buffer {
  const pixels = Buffer.alloc(32 * 16);
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 32; x++) pixels[y * 32 + x] = values[(y >> 3) * 2 + (x >> 4)] as number;
  return pixels;
}

const gray = (pixels: Buffer) =>
  sharp(pixels, { raw: { width: 32, height: 16, channels: 1 } }).toColourspace('b-w');
/** Centers of the four quadrants of a 16 x 16 output. */
const corners = (pixels: Uint8Array) =>
  [4 * 16 + 3, 4 * 16 + 12, 11 * 16 + 3, 11 * 16 + 12].map((i) => pixels[i] as number);

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - (expected[i] as number)) <= tolerance, `${actual} is not near ${expected}`);
  }
}

async function imageError(bytes: Uint8Array, options = GRAY): Promise<ImageError> {
  const error = await processImage(bytes, options, 'file.png').then(
    () => null,
    (e: unknown) => e,
  );
  assert.ok(error instanceof ImageError, `${error}`);
  assert.equal(error.causeClass, 'input');
  return error;
}

test('the central square of an image is kept, in every format', async () => {
  const image = gray(quadrants([10, 80, 150, 220]));
  const files = {
    png: await image.clone().png().toBuffer(),
    jpeg: await image.clone().jpeg({ quality: 100 }).toBuffer(),
    tiff: await image.clone().tiff({ compression: 'lzw' }).toBuffer(),
    webp: await image.clone().webp({ lossless: true }).toBuffer(),
  };
  for (const [format, file] of Object.entries(files)) {
    const pixels = await processImage(file, GRAY);
    assert.equal(pixels.length, 16 * 16, format);
    assertNear(corners(pixels), [10, 80, 150, 220], format === 'jpeg' ? 4 : 1);
  }
});

// Exif 2.32, table 6: the corner of the stored image for each corner of the upright image.
const ORIENTATIONS: Record<number, readonly [number, number, number, number]> = {
  1: [0, 1, 2, 3],
  2: [1, 0, 3, 2],
  3: [3, 2, 1, 0],
  4: [2, 3, 0, 1],
  5: [0, 2, 1, 3],
  6: [2, 0, 3, 1],
  7: [3, 1, 2, 0],
  8: [1, 3, 0, 2],
};
for (const [orientation, order] of Object.entries(ORIENTATIONS)) {
  test(`EXIF orientation ${orientation} is applied before the square is cropped`, async () => {
    const values = [10, 80, 150, 220] as const;
    const file = await gray(quadrants(values))
      .withMetadata({ orientation: Number(orientation) })
      .jpeg({ quality: 100 })
      .toBuffer();
    const pixels = await processImage(file, GRAY);
    assertNear(
      corners(pixels),
      order.map((i) => values[i] as number),
      4,
    );
  });
}

test('the full range of 16-bit gray maps to the full range of 8-bit gray', async () => {
  for (const [value, expected] of [
    [65_535, 255],
    [32_768, 128],
    [256, 1],
    [0, 0],
  ] as const) {
    const file = await sharp(new Uint16Array(400).fill(value), {
      raw: { width: 20, height: 20, channels: 1 },
    })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    assert.equal((await sharp(file).metadata()).depth, 'ushort');
    const full = { window: 'full' } as const;
    assertNear([(await processImage(file, { ...GRAY, ...full }))[0] as number], [expected], 1);
    const rgb = await processImage(file, { ...RGB, ...full });
    assertNear([...rgb.subarray(0, 3)], [expected, expected, expected], 1);
  }
});

test('16-bit TIFF and 16-bit RGB are scaled in the same way', async () => {
  const tiff = await sharp(new Uint16Array(400).fill(32_768), { raw: { width: 20, height: 20, channels: 1 } })
    .toColourspace('grey16')
    .tiff()
    .toBuffer();
  assertNear([(await processImage(tiff, GRAY))[0] as number], [128], 1);
  const rgb = await sharp(new Uint16Array(1200).fill(32_768), { raw: { width: 20, height: 20, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  assertNear([...(await processImage(rgb, RGB)).subarray(0, 3)], [128, 128, 128], 1);
});

test('a palette is converted to its colors', async () => {
  const file = await sharp({
    create: { width: 20, height: 20, channels: 3, background: { r: 200, g: 100, b: 0 } },
  })
    .png({ palette: true })
    .toBuffer();
  assertNear([...(await processImage(file, RGB)).subarray(0, 3)], [200, 100, 0], 1);
});

test('transparency is composited on black, in color and in gray', async () => {
  const rgba = await sharp({
    create: { width: 20, height: 20, channels: 4, background: { r: 200, g: 200, b: 200, alpha: 0.5 } },
  })
    .png()
    .toBuffer();
  assertNear([(await processImage(rgba, GRAY))[0] as number], [100], 2);
  const grayAlpha = await sharp(Buffer.alloc(800, 128), { raw: { width: 20, height: 20, channels: 2 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  assertNear([(await processImage(grayAlpha, GRAY))[0] as number], [64], 2);
});

test('a CMYK JPEG becomes RGB', async () => {
  const file = await sharp({
    create: { width: 20, height: 20, channels: 3, background: { r: 220, g: 40, b: 40 } },
  })
    .toColourspace('cmyk')
    .jpeg({ quality: 100 })
    .toBuffer();
  assert.equal((await sharp(file).metadata()).channels, 4);
  const [r, g, b] = await processImage(file, RGB);
  assert.ok((r as number) > 150 && (g as number) < 110 && (b as number) < 110, `${r} ${g} ${b}`);
});

test('the first frame of an animation is used', async () => {
  const frame = (value: number) =>
    sharp(Buffer.alloc(1200, value), { raw: { width: 20, height: 20, channels: 3 } })
      .png()
      .toBuffer();
  const file = await sharp([await frame(30), await frame(200)], { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer();
  assert.equal((await sharp(file).metadata()).pages, 2);
  assertNear([(await processImage(file, GRAY))[0] as number], [30], 1);
});

test('color is converted to gray by its luma', async () => {
  const file = await sharp({
    create: { width: 20, height: 20, channels: 3, background: { r: 255, g: 0, b: 0 } },
  })
    .png()
    .toBuffer();
  assert.equal((await processImage(file, GRAY))[0], 76);
});

test('the format is detected from the content, not the name', async () => {
  assert.equal((await processImage(await grayPng(50), GRAY, 'wrongly-named.jpg'))[0], 50);
});

test('an empty file, a text and unsupported formats are rejected with their kind', async () => {
  assert.match((await imageError(Buffer.alloc(0))).what, /empty/);
  assert.match((await imageError(Buffer.from('patient: Jane Doe'))).what, /not an image/);
  assert.match(
    (await imageError(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]))).what,
    /has no data set/,
  );
  assert.match((await imageError(Buffer.from('GIF89a'))).what, /GIF/);
  assert.match((await imageError(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))).what, /SVG/);
});

test('errors contain no content of the file', async () => {
  const error = await imageError(Buffer.from('\x89PNG\r\n\x1a\nJane Doe, born 1950', 'latin1'));
  assert.ok(!/Jane|1950/.test(error.message));
});

test('files truncated at any place are rejected', async () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 }, (_, i) => (i * 7919) % 251));
  const image = sharp(noise, { raw: { width: 64, height: 64, channels: 1 } }).toColourspace('b-w');
  const files = [
    await image.clone().jpeg().toBuffer(),
    await image.clone().jpeg({ progressive: true }).toBuffer(),
    await image.clone().png().toBuffer(),
    await image.clone().tiff().toBuffer(),
    await image.clone().webp({ lossless: true }).toBuffer(),
  ];
  for (const file of files) {
    for (const share of [0.02, 0.3, 0.6, 0.9])
      await imageError(file.subarray(0, Math.floor(file.length * share)));
    // All but the end marker and a few bytes before it.
    await imageError(file.subarray(0, file.length - 16));
  }
});

test('a PNG with a flipped bit is rejected', async () => {
  const file = Buffer.from(await grayPng(77, 200, 200));
  const at = file.indexOf('IDAT') + 12;
  file[at] = (file[at] as number) ^ 0x10;
  await imageError(file);
});

test('an image of 60,000 x 60,000 pixels is rejected by its header', async () => {
  assert.match((await imageError(pngOfSize(60_000, 60_000))).what, /60000 x 60000/);
});

/** A TIFF of 4 x 4 pixels of 32-bit floating point (TIFF 6.0, sections 2 and 19). */
function floatTiff(): Buffer {
  const tags = [
    [256, 4],
    [257, 4],
    [258, 32],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 4],
    [279, 64],
    [339, 3],
  ] as const;
  const file = Buffer.alloc(8 + 64 + 2 + 12 * tags.length + 4);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(72, 4);
  for (let i = 0; i < 16; i++) file.writeFloatLE(i / 16, 8 + 4 * i);
  file.writeUInt16LE(tags.length, 72);
  tags.forEach(([tag, value], i) => {
    file.writeUInt16LE(tag, 74 + 12 * i);
    file.writeUInt16LE(3, 76 + 12 * i);
    file.writeUInt32LE(1, 78 + 12 * i);
    file.writeUInt16LE(value, 82 + 12 * i);
  });
  return file;
}

test('samples that are neither 8-bit nor 16-bit integers are rejected', async () => {
  assert.match((await imageError(floatTiff())).what, /has 32-bit floating-point samples/);
});

/** TIFF 6.0, page 36: where the first row and the first column of the file are shown. */
const TIFF_ORDERS: Record<number, number[]> = {
  1: [1, 2, 3, 4],
  2: [2, 1, 4, 3],
  3: [4, 3, 2, 1],
  4: [3, 4, 1, 2],
  5: [1, 3, 2, 4],
  6: [3, 1, 4, 2],
  7: [4, 2, 3, 1],
  8: [2, 4, 1, 3],
};

/** An uncompressed 2 x 2 gray TIFF whose first row is 1, 2 and second row 3, 4. */
function orientedTiff(orientation: number): Buffer {
  const tags = [
    [256, 2],
    [257, 2],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [274, orientation],
    [277, 1],
    [278, 2],
    [279, 4],
  ];
  const entries = tags.map(([tag = 0, value = 0]) => {
    const entry = Buffer.alloc(12);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(3, 2);
    entry.writeUInt32LE(1, 4);
    entry.writeUInt16LE(value, 8);
    return entry;
  });
  const head = Buffer.from([0x49, 0x49, 42, 0, 12, 0, 0, 0, 1, 2, 3, 4, tags.length, 0]);
  return Buffer.concat([head, ...entries, Buffer.alloc(4)]);
}

test('orientations of TIFF are those of the standard', async () => {
  for (const [orientation, order] of Object.entries(TIFF_ORDERS)) {
    const options = { resolution: 2, square: 'crop', color: 'grayscale' } as const;
    const pixels = await processImage(orientedTiff(Number(orientation)), options);
    assert.deepEqual([...pixels], order, `orientation ${orientation}`);
  }
});
