/** One policy for colors at every depth: the stored values count, profiles do not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { crc32 } from '../../../src/imaging/dataset/crc32.js';
import { type ProcessOptions, processImage } from '../../../src/imaging/pixels/process.js';

const GRAY: ProcessOptions = { resolution: 16, square: 'crop', color: 'grayscale', window: 'full' };
const RGB: ProcessOptions = { ...GRAY, color: 'rgb' };
const SIDE = 16;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** A PNG of 16 x 16 pixels from the bytes of one row, with further chunks before the data. */
function png(bits: number, colorType: number, row: readonly number[], ...chunks: Buffer[]): Buffer {
  const header = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, bits, colorType, 0, 0, 0]);
  const rows = Buffer.concat(new Array<Buffer>(SIDE).fill(Buffer.from([0, ...row])));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...chunks,
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** An ICC profile with one gray curve (ICC.1:2001, section 6.3.4.1). */
function grayProfile(gamma: number): Buffer {
  const text = (value: string) => Buffer.from(value, 'latin1');
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [i, value] of values.entries()) bytes.writeInt32BE(value, 4 * i);
    return bytes;
  };
  const curve = Buffer.concat([text('curv'), words(0, 1), Buffer.from([gamma, 0, 0, 0])]);
  const white = Buffer.concat([text('XYZ '), words(0, 63190, 65536, 54061)]);
  const tags = [
    ['wtpt', white],
    ['kTRC', curve],
  ] as const;
  let offset = 128 + 4 + 12 * tags.length;
  const table = tags.map(([name, data]) => {
    const entry = Buffer.concat([text(name), words(offset, data.length)]);
    offset += data.length;
    return entry;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(offset, 0);
  header.writeUInt32BE(0x02100000, 8);
  header.write('mntrGRAYXYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  words(63190, 65536, 54061).copy(header, 68);
  return Buffer.concat([header, words(tags.length), ...table, ...tags.map(([, data]) => data)]);
}

function profileChunk(gamma: number): Buffer {
  return chunk('iCCP', Buffer.concat([Buffer.from('gray\0\0', 'latin1'), deflateSync(grayProfile(gamma))]));
}

/** The first pixels of a file, as it is processed. */
async function first(file: Uint8Array, options: ProcessOptions, count: number): Promise<number[]> {
  return [...(await processImage(file, options)).subarray(0, count)];
}

test('a gray profile does the same at 8 and at 16 bits, in PNG and JPEG: nothing', async () => {
  const eight = new Array<number>(SIDE).fill(88);
  const sixteen = eight.flatMap((value) => [value, value]);
  for (const gamma of [1, 2, 3]) {
    for (const [bits, row] of [
      [8, eight],
      [16, sixteen],
    ] as const) {
      const file = png(bits, 0, row, profileChunk(gamma));
      assert.equal((await sharp(file).metadata()).icc?.length, grayProfile(gamma).length);
      assert.deepEqual(await first(file, GRAY, 1), [88], `${bits} bits, gamma ${gamma}`);
      assert.deepEqual(await first(file, RGB, 3), [88, 88, 88]);
    }
  }
});

test('an RGB profile does not change the stored values', async () => {
  const image = sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } });
  const file = await image.withIccProfile('p3').png().toBuffer();
  const stored = [...(await sharp(file, { ignoreIcc: true }).raw().toBuffer()).subarray(0, 3)];
  assert.notDeepEqual(stored, [200, 100, 50]);
  assert.deepEqual(await first(file, RGB, 3), stored);
});

test('1, 2 and 4 bits span the range of gray', async () => {
  assert.deepEqual(await first(png(1, 0, [0b01010101, 0b01010101]), GRAY, 4), [0, 255, 0, 255]);
  assert.deepEqual(await first(png(2, 0, [0x1b, 0x1b, 0x1b, 0x1b]), GRAY, 4), [0, 85, 170, 255]);
  assert.deepEqual(await first(png(4, 0, [0x08, 0xf0, 8, 8, 8, 8, 8, 8]), GRAY, 4), [0, 136, 255, 0]);
});

test('palettes become their colors, at every number of bits', async () => {
  const palette = chunk('PLTE', Buffer.from([10, 20, 30, 200, 100, 0]));
  for (const [bits, row] of [
    [1, [0x55, 0x55]],
    [2, [0x11, 0x11, 0x11, 0x11]],
    [4, [1, 1, 1, 1, 1, 1, 1, 1]],
    [8, new Array(8).fill([0, 1]).flat()],
  ] as const) {
    assert.deepEqual(await first(png(bits, 3, row, palette), RGB, 6), [10, 20, 30, 200, 100, 0], `${bits}`);
  }
});

test('alpha is composited on black, at 8 and 16 bits, and so is a transparent color', async () => {
  assert.deepEqual(await first(png(8, 4, new Array(16).fill([200, 128]).flat()), GRAY, 1), [100]);
  const deep = new Array(16).fill([200, 200, 128, 128]).flat();
  assert.deepEqual(await first(png(16, 4, deep), GRAY, 1), [100]);
  const color = new Array(16).fill([200, 100, 50, 128]).flat();
  assert.deepEqual(await first(png(8, 6, color), RGB, 3), [100, 50, 25]);
  const transparent = chunk('tRNS', Buffer.from([0, 90]));
  assert.deepEqual(await first(png(8, 0, new Array(8).fill([90, 91]).flat(), transparent), GRAY, 2), [0, 91]);
});

/** A CMYK TIFF of 16 x 16 equal pixels (TIFF 6.0, sections 2 and 16). */
function cmykTiff(inks: readonly number[]): Buffer {
  const data = Buffer.from(new Array(SIDE * SIDE).fill(inks).flat());
  const bits = Buffer.alloc(8);
  for (let i = 0; i < 4; i++) bits.writeUInt16LE(8, 2 * i);
  const tags = [
    [256, 1, SIDE],
    [257, 1, SIDE],
    [258, 4, 8],
    [259, 1, 1],
    [262, 1, 5],
    [273, 1, 16],
    [277, 1, 4],
    [278, 1, SIDE],
    [279, 1, data.length],
  ] as const;
  const directory = Buffer.alloc(2 + 12 * tags.length + 4);
  directory.writeUInt16LE(tags.length, 0);
  for (const [i, [tag, count, value]] of tags.entries()) {
    directory.writeUInt16LE(tag, 2 + 12 * i);
    directory.writeUInt16LE(3, 4 + 12 * i);
    directory.writeUInt32LE(count, 6 + 12 * i);
    directory.writeUInt32LE(value, 10 + 12 * i);
  }
  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(16 + data.length, 4);
  return Buffer.concat([header, bits, data, directory]);
}

test('CMYK becomes the light that the inks leave', async () => {
  const [cyan, black] = [64, 32];
  const expected = [cyan, 0, 255].map((ink) => Math.round(((255 - ink) * (255 - black)) / 255));
  assert.deepEqual(await first(cmykTiff([cyan, 0, 255, black]), RGB, 3), expected);
});

test('a TIFF whose white is zero is inverted', async () => {
  const file = await sharp(Buffer.alloc(SIDE * SIDE, 55), { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace('b-w')
    .tiff({ compression: 'none' })
    .toBuffer();
  // PhotometricInterpretation (TIFF 6.0, section 3): 1 is black is zero, 0 white is zero.
  const tag = file.indexOf(Buffer.from([0x06, 0x01, 0x03, 0x00, 0x01, 0, 0, 0, 1]));
  assert.ok(tag > 0);
  file[tag + 8] = 0;
  assert.deepEqual(await first(file, GRAY, 1), [200]);
});
