/** Files are decoded to their end: what is damaged is rejected, what is harmless is noted. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { ImageError } from '../../../src/core/errors.js';
import { crc32, tableCrc32 } from '../../../src/imaging/dataset/crc32.js';
import { type ProcessOptions, processImage } from '../../../src/imaging/pixels/process.js';
import { withLateHeight } from '../../support/jpeg-encoder.js';

const OPTIONS: ProcessOptions = { resolution: 16, square: 'crop', color: 'grayscale' };

function noise(width: number, height: number) {
  const pixels = Buffer.from(
    Array.from({ length: width * height }, (_, i) => (i * 7919 + (i >> 5) * 31) % 251),
  );
  return sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
}

/** The reason for which a file is rejected, or its notes. */
async function outcome(file: Uint8Array, options: Partial<ProcessOptions> = {}): Promise<string> {
  const notes: string[] = [];
  try {
    await processImage(file, { ...OPTIONS, onNote: (note) => notes.push(note), ...options });
    return notes.length === 0 ? 'read' : `read: ${notes.join(', ')}`;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return error.what;
  }
}

function chunk(type: string, data: Uint8Array, checksum?: number): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(checksum ?? crc32(body));
  return Buffer.concat([length, body, crc]);
}

test('a flipped bit in the data of a PNG is found wherever it is, in both orientations', async () => {
  for (const [width, height] of [
    [96, 120],
    [120, 96],
  ] as const) {
    const file = await noise(width, height).png({ compressionLevel: 0 }).toBuffer();
    const start = file.indexOf('IDAT') + 4;
    const end = file.indexOf('IEND') - 4;
    for (let at = start; at < end; at += 97) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] as number) ^ 0x80;
      assert.match(await outcome(damaged), /is (corrupt|truncated)/, `byte ${at} of ${width} x ${height}`);
    }
  }
});

test('a PNG whose pixel data ends early is rejected, although its checksums match', async () => {
  const header = Buffer.from([0, 0, 0, 40, 0, 0, 0, 40, 8, 0, 0, 0, 0]);
  const file = (rows: number) =>
    Buffer.concat([
      Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(Buffer.alloc(rows * 41))),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  assert.equal(await outcome(file(40)), 'read');
  assert.match(await outcome(file(39)), /is (corrupt|truncated)/);
});

test('a JPEG that ends within its last blocks is rejected, with and without an end marker', async () => {
  const end = Buffer.from([0xff, 0xd9]);
  for (const progressive of [false, true]) {
    const file = await noise(90, 70).jpeg({ progressive }).toBuffer();
    for (const cut of [3, 20, 100]) {
      const short = file.subarray(0, file.length - 2 - cut);
      assert.match(await outcome(short), /is truncated/);
      if (!progressive) assert.match(await outcome(Buffer.concat([short, end])), /is (corrupt|truncated)/);
    }
  }
});

test('bits that are no code, late in the data of a JPEG, are found', async () => {
  const file = await noise(90, 70).jpeg({ quality: 95 }).toBuffer();
  const damaged = Buffer.from(file);
  for (let at = file.length - 42; at < file.length - 2; at += 2) damaged.set([0xff, 0x00], at);
  assert.match(await outcome(damaged), /is corrupt/);
});

test('harmless faults are noted, and rejected when the spec is strict', async () => {
  const jpeg = await noise(64, 64).jpeg().toBuffer();
  const png = await noise(64, 64).png().toBuffer();
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  const samsung = Buffer.from(jpeg);
  samsung.fill(0, scan + 7, scan + 10);
  const jfif = Buffer.from('\xff\xe0\0\x10JFIF\0\x09\x09\0\0\x01\0\x01\0\0', 'latin1');
  const version = Buffer.concat([jpeg.subarray(0, 2), jfif, jpeg.subarray(2)]);
  const between = Buffer.concat([jpeg.subarray(0, scan), Buffer.from([0, 1, 2]), jpeg.subarray(scan)]);
  const text = chunk('tEXt', Buffer.from('Title\0x'), 1);
  const metadata = Buffer.concat([png.subarray(0, 33), text, png.subarray(33)]);
  const cases: [string, Uint8Array, string][] = [
    ['Samsung', samsung, 'invalid scan parameters'],
    ['JFIF', version, 'unknown JFIF version'],
    ['between segments', between, 'bytes between segments'],
    ['JPEG without end', jpeg.subarray(0, -2), 'no end marker'],
    ['PNG without end', png.subarray(0, -12), 'no end marker'],
    ['checksum of a text', metadata, 'damaged metadata'],
  ];
  const intact = { jpeg: await processImage(jpeg, OPTIONS), png: await processImage(png, OPTIONS) };
  for (const [name, file, note] of cases) {
    assert.equal(await outcome(file), `read: ${note}`, name);
    assert.match(await outcome(file, { strict: true }), new RegExp(`has faults.*${note}`), name);
    const expected = /PNG|text/.test(name) ? intact.png : intact.jpeg;
    assert.deepEqual(await processImage(file, OPTIONS), expected, name);
  }
});

test('the height of a JPEG may follow its pixels', async () => {
  for (const [size, frame, options] of [
    [[40, 30], 0xc0, {}],
    [[40, 30], 0xc2, { progressive: true }],
    [[1100, 1000], 0xc0, {}],
  ] as const) {
    const [width, height] = size;
    const file = await noise(width, height).jpeg(options).toBuffer();
    const late = withLateHeight(file, frame, height);
    const strict = { ...OPTIONS, strict: true };
    assert.deepEqual(await processImage(late, strict), await processImage(file, strict));
    // One that the data does not have, and none.
    assert.equal(await outcome(withLateHeight(file, frame, height + 100)), 'is truncated');
    const without = Buffer.concat([late.subarray(0, -8), late.subarray(-2)]);
    assert.equal(await outcome(without), 'is a JPEG without height');
  }
});

test('bytes after the pixels and after the end of a file are ignored', async () => {
  const jpeg = await noise(64, 64).jpeg().toBuffer();
  const before = Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(20), jpeg.subarray(-2)]);
  assert.equal(await outcome(before), 'read');
  const trailer = Buffer.from('vendor trailer');
  assert.equal(await outcome(Buffer.concat([jpeg, trailer])), 'read');
  assert.equal(await outcome(Buffer.concat([await noise(64, 64).png().toBuffer(), trailer])), 'read');
});

test('encodings that are not supported are named, not called damage', async () => {
  const jpeg = await noise(64, 64).jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  const withFrame = (code: number, precision: number) => {
    const file = Buffer.from(jpeg);
    file[frame + 1] = code;
    file[frame + 4] = precision;
    return file;
  };
  assert.match(await outcome(withFrame(0xc1, 12)), /12-bit JPEG/);
  assert.match(await outcome(withFrame(0xc3, 8)), /lossless JPEG/);
  assert.match(await outcome(withFrame(0xf7, 8)), /JPEG-LS/);
  assert.match(await outcome(withFrame(0xc5, 8)), /hierarchical JPEG/);
  const lab = await sharp({ create: { width: 20, height: 20, channels: 3, background: '#804020' } })
    .tiff({ compression: 'none' })
    .toBuffer();
  // PhotometricInterpretation (TIFF 6.0, section 3): CIELAB instead of RGB.
  const interpretation = lab.indexOf(Buffer.from([0x06, 0x01, 0x03, 0x00, 0x01, 0, 0, 0, 2]));
  assert.ok(interpretation > 0);
  lab[interpretation + 8] = 8;
  assert.match(await outcome(lab), /LAB colors/);
  assert.match(await outcome(Buffer.from('P5 1 1 255 x')), /PGM or PPM/);
});

test('the checksum of the table is that of Node', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919) % 256);
  assert.equal(tableCrc32(bytes), crc32(bytes));
});
