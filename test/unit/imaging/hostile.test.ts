/** Truncated, altered and lying files: each is rejected with a reason or read whole, in time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { ImageError } from '../../../src/core/errors.js';
import { type ProcessOptions, processImage } from '../../../src/imaging/pixels/process.js';
import { pngOfSize } from '../../support/images.js';

const OPTIONS: ProcessOptions = { resolution: 16, square: 'pad', color: 'grayscale' };
const LIMIT_MS = 10_000;

function picture(width = 24, height = 20) {
  const pixels = Buffer.from(Array.from({ length: width * height }, (_, i) => (i * 37 + (i >> 4)) % 256));
  return sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
}

async function samples(): Promise<Record<string, Buffer>> {
  const image = picture();
  return {
    jpeg: await image.clone().jpeg().toBuffer(),
    progressive: await image.clone().jpeg({ progressive: true }).toBuffer(),
    png: await image.clone().png().toBuffer(),
    interlaced: await image.clone().png({ progressive: true }).toBuffer(),
    tiff: await image.clone().tiff({ compression: 'none' }).toBuffer(),
    lzw: await image.clone().tiff({ compression: 'lzw' }).toBuffer(),
    webp: await image.clone().webp().toBuffer(),
    lossless: await image.clone().webp({ lossless: true }).toBuffer(),
  };
}

/** Files that claim more than they have. */
async function lies(): Promise<Record<string, Buffer>> {
  const { jpeg, png, tiff, webp } = (await samples()) as Record<string, Buffer>;
  assert.ok(jpeg && png && tiff && webp);
  const altered = (file: Buffer, change: (copy: Buffer) => void) => {
    const copy = Buffer.from(file);
    change(copy);
    return copy;
  };
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  const tables = jpeg.indexOf(Buffer.from([0xff, 0xc4]));
  const directory = tiff.readUInt32LE(4);
  return {
    'a PNG of 60,000 x 60,000 pixels': pngOfSize(60_000, 60_000),
    'a PNG of 2^31 - 1 pixels a side': pngOfSize(2 ** 31 - 1, 2 ** 31 - 1),
    'a PNG without width': pngOfSize(0, 20),
    'a PNG of 9000 x 9000 pixels without data': pngOfSize(9000, 9000),
    'a PNG chunk of 4 GB': altered(png, (copy) => copy.writeUInt32BE(0xffffffff, 33)),
    'a PNG that begins with data': Buffer.concat([png.subarray(0, 8), png.subarray(33)]),
    'a PNG with two headers': Buffer.concat([png.subarray(0, 33), png.subarray(8)]),
    'a JPEG of 65,535 x 65,535 pixels': altered(jpeg, (copy) => copy.fill(0xff, frame + 5, frame + 9)),
    'a JPEG of 9000 x 9000 pixels': altered(jpeg, (copy) => {
      copy.writeUInt16BE(9000, frame + 5);
      copy.writeUInt16BE(9000, frame + 7);
    }),
    'a JPEG without height': altered(jpeg, (copy) => copy.writeUInt16BE(0, frame + 5)),
    'a JPEG with 255 components': altered(jpeg, (copy) => copy.writeUInt8(255, frame + 9)),
    'a JPEG segment without length': altered(jpeg, (copy) => copy.writeUInt16BE(0, frame + 2)),
    'a JPEG table with too many codes': altered(jpeg, (copy) => copy.fill(0xff, tables + 5, tables + 21)),
    'a JPEG of markers': Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(5000, 0xff)]),
    'a JPEG of 20,000 scans': Buffer.concat([
      jpeg.subarray(0, -2),
      ...new Array<Buffer>(20_000).fill(jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xda])), -2)),
    ]),
    'a TIFF whose directory is outside': altered(tiff, (copy) => copy.writeUInt32LE(0xfffffff0, 4)),
    'a TIFF whose directory is its header': altered(tiff, (copy) => copy.writeUInt32LE(0, 4)),
    'a TIFF with 65,535 tags': altered(tiff, (copy) => copy.writeUInt16LE(0xffff, directory)),
    'a WebP of 4 GB': altered(webp, (copy) => copy.writeUInt32LE(0xfffffff6, 4)),
    'a WebP without image': Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'),
  };
}

/** @returns whether the file was read; otherwise it was rejected with a reason */
async function isRead(file: Buffer, name: string): Promise<boolean> {
  const start = performance.now();
  const notes: string[] = [];
  try {
    const pixels = await processImage(file, { ...OPTIONS, onNote: (note) => notes.push(note) });
    assert.equal(pixels.length, 16 * 16, name);
    return true;
  } catch (error) {
    assert.ok(error instanceof ImageError && error.what.length > 5, `${name}: ${error}`);
    return false;
  } finally {
    assert.ok(performance.now() - start < LIMIT_MS, `${name} took too long`);
  }
}

test('a file truncated at every tenth of its bytes is rejected, in every format', async () => {
  let files = 0;
  for (const [format, file] of Object.entries(await samples())) {
    assert.ok(await isRead(file, format));
    for (let tenth = 0; tenth < 10; tenth++, files++) {
      const cut = file.subarray(0, Math.floor((file.length * tenth) / 10));
      assert.equal(await isRead(cut, `${format}, ${tenth} tenths`), false, `${format}, ${tenth} tenths`);
    }
  }
  assert.ok(files >= 60);
});

test('a small file truncated at every tenth byte is rejected, in every format', async () => {
  for (const [format, file] of Object.entries(await samples()))
    for (let length = 0; length < file.length - 12; length += 10)
      assert.equal(await isRead(file.subarray(0, length), format), false, `${format}, ${length} bytes`);
});

test('a long side is refused by the header, before the tables of the resampler are made', async () => {
  await assert.rejects(processImage(pngOfSize(90_000_000, 1), OPTIONS), /a side has at most 65535/);
});

test('files that claim more than they have are rejected in time', async () => {
  for (const [name, file] of Object.entries(await lies()))
    assert.equal(await isRead(file, name), false, name);
});

test('files with any byte altered are rejected or read whole', async () => {
  for (const [format, file] of Object.entries(await samples())) {
    for (let at = 0; at < file.length; at += 7) {
      const altered = Buffer.from(file);
      altered[at] = (altered[at] as number) ^ 0xff;
      await isRead(altered, `${format}, byte ${at}`);
    }
  }
});
