import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { ImageError } from '../../../../src/core/errors.js';
import { readDicomFile } from '../../../../src/imaging/dicom/file.js';
import { decodeDicom } from '../../../../src/imaging/dicom/open.js';
import { decodePixels } from '../../../../src/imaging/dicom/pixels.js';
import {
  encapsulatedFile,
  type ImageOptions,
  imageElements,
  rleFrame,
  SYNTAXES,
} from '../../../support/dicom.js';
import { encodeFlatJpeg12, encodeJpegLossless, withLateHeight } from '../../../support/jpeg-encoder.js';

const [WIDTH, HEIGHT] = [17, 13];

/** A pattern of the given depth with steep and flat parts. */
function pattern(bits: number, samples = 1, isSigned = false): number[] {
  const offset = isSigned ? 2 ** (bits - 1) : 0;
  return Array.from(
    { length: WIDTH * HEIGHT * samples },
    (_, i) => ((i * i * 37 + 11 * (i % 5)) % 2 ** bits) - offset,
  );
}

async function decoded(
  syntax: string,
  image: Partial<ImageOptions>,
  fragments: Uint8Array[],
  frame = 0,
  options: { offsets?: number[]; hasEnd?: boolean } = {},
): Promise<number[]> {
  const elements = imageElements({ width: WIDTH, height: HEIGHT, ...image });
  const file = encapsulatedFile(syntax, elements, fragments, options);
  const { samples } = await decodePixels(readDicomFile(file), frame);
  return [...samples];
}

function refuses(promise: Promise<unknown>, what: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof ImageError, String(error));
    assert.match(error.what, what);
    return true;
  });
}

interface Encoder {
  getDecodedBuffer(info: object): Uint8Array;
  setNearLossless?(error: number): void;
  setInterleaveMode?(mode: number): void;
  setDecompositions?(levels: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
}

type Codec = Record<string, new () => Encoder>;
const codecs = new Map<string, Promise<Codec>>();

/** Compiles the WebAssembly of a codec package once. */
function loadCodec(script: string): Promise<Codec> {
  const create = createRequire(import.meta.url)(`@cornerstonejs/${script}`) as (
    options: object,
  ) => Promise<Codec>;
  const loaded = codecs.get(script) ?? create({ print: () => undefined, printErr: () => undefined });
  codecs.set(script, loaded);
  return loaded;
}

/** Encodes with the encoder of a codec package. */
async function encode(script: string, name: string, values: number[], bits: number, options: object = {}) {
  const { isSigned = false, near = 0 } = options as { isSigned?: boolean; near?: number };
  const Class = (await loadCodec(script))[name] as new () => Encoder;
  const encoder = new Class();
  const samples = values.length / (WIDTH * HEIGHT);
  const info = { width: WIDTH, height: HEIGHT, bitsPerSample: bits, componentCount: samples, isSigned };
  const bytes = bits <= 8 ? Uint8Array.from(values) : new Uint8Array(Int16Array.from(values).buffer);
  encoder.getDecodedBuffer({ ...info, isUsingColorTransform: samples === 3 }).set(bytes);
  // JPEG-LS: 2 for samples of a pixel together.
  if (samples > 1) encoder.setInterleaveMode?.(2);
  encoder.setDecompositions?.(2);
  if (near > 0) encoder.setNearLossless?.(near);
  encoder.encode();
  return Uint8Array.from(encoder.getEncodedBuffer());
}

describe('RLE frames', () => {
  it('are joined from segments of 16-bit samples, by sample', async () => {
    const values = pattern(16, 1, true);
    const high = Uint8Array.from(values, (value) => (value >> 8) & 255);
    const low = Uint8Array.from(values, (value) => value & 255);
    assert.deepEqual(await decoded(SYNTAXES.rle, { isSigned: true }, [rleFrame([high, low])]), values);
  });

  it('repeat bytes, and give planes of color', async () => {
    const header = rleFrame([Uint8Array.of(), Uint8Array.of(), Uint8Array.of()]);
    const segments = [1, 2, 3].map((value) => Buffer.from([129, value, 163, value, 128, 128]));
    segments.forEach((_, i) => {
      header.writeUInt32LE(64 + 6 * i, 4 + 4 * i);
    });
    const file = Buffer.concat([header, ...segments]);
    const rgb = await decoded(SYNTAXES.rle, { bits: 8, samples: 3, width: 17, height: 13 }, [file]);
    assert.deepEqual(rgb.slice(0, 6), [1, 2, 3, 1, 2, 3]);
  });

  it('are refused when a segment ends early, or is missing', async () => {
    const whole = rleFrame([Uint8Array.from(pattern(8))]);
    await refuses(decoded(SYNTAXES.rle, { bits: 8 }, [whole.subarray(0, 200)]), /truncated/);
    await refuses(decoded(SYNTAXES.rle, {}, [whole]), /1 RLE segments instead of 2/);
  });
});

describe('lossless JPEG frames', () => {
  for (const predictor of [1, 2, 3, 4, 5, 6, 7]) {
    it(`are exact with predictor ${predictor}`, async () => {
      const values = pattern(16);
      const jpeg = encodeJpegLossless(values, WIDTH, HEIGHT, { precision: 16, predictor });
      assert.deepEqual(await decoded(SYNTAXES.jpegLossless, {}, [jpeg]), values);
    });
  }

  it('are exact in color, and with signed values', async () => {
    const rgb = pattern(8, 3);
    const color = encodeJpegLossless(rgb, WIDTH, HEIGHT, { precision: 8, components: 3 });
    const image = { bits: 8, samples: 3 } as const;
    assert.deepEqual(await decoded(SYNTAXES.jpegLosslessFirstOrder, image, [color]), rgb);
    const signed = pattern(12, 1, true);
    const stored = signed.map((value) => value & 0xfff);
    const gray = encodeJpegLossless(stored, WIDTH, HEIGHT, { precision: 12 });
    const described = { bitsStored: 12, isSigned: true };
    assert.deepEqual(await decoded(SYNTAXES.jpegLosslessFirstOrder, described, [gray]), signed);
  });

  it('are refused when they end early, wherever', async () => {
    const jpeg = encodeJpegLossless(pattern(16), WIDTH, HEIGHT, { precision: 16 });
    for (let end = 2; end < jpeg.length - 4; end += 7)
      await refuses(decoded(SYNTAXES.jpegLossless, {}, [jpeg.subarray(0, end)]), /truncated|corrupt/);
  });
});

describe('lossy JPEG frames', () => {
  it('with 12 bits are decoded', async () => {
    const levels = [
      [0, 100, 2048],
      [4095, 3000, 17],
    ];
    const size = { width: 24, height: 16, bitsStored: 12 };
    const values = await decoded(SYNTAXES.jpegExtended, size, [encodeFlatJpeg12(levels)]);
    assert.deepEqual(
      [values[0], values[8], values[23], values[24 * 8], values[24 * 15 + 23]],
      [0, 100, 2048, 4095, 17],
    );
  });

  it('of another size than the image are refused before they are decoded', async () => {
    const stream = encodeFlatJpeg12([[0, 100]]);
    const frame = stream.indexOf(Buffer.from([0xff, 0xc1]));
    stream.writeUInt16BE(9000, frame + 5);
    stream.writeUInt16BE(9000, frame + 7);
    await refuses(
      decoded(SYNTAXES.jpegExtended, { width: 16, height: 8, bitsStored: 12 }, [stream]),
      /differs in size/,
    );
  });

  it('with 8 bits are gray, or have the color space that stream or file declare', async () => {
    const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
    const red = Buffer.from(Array.from({ length: WIDTH * HEIGHT }, () => [250, 10, 20]).flat());
    const jpeg = await sharp(red, { raw }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    const image = { bits: 8, samples: 3, photometric: 'YBR_FULL_422' } as const;
    const rgb = await decoded(SYNTAXES.jpegBaseline, image, [jpeg]);
    assert.ok(
      Math.abs((rgb[0] as number) - 250) <= 3 && Math.abs((rgb[1] as number) - 10) <= 3,
      String(rgb.slice(0, 3)),
    );
    // The stream does not say what its components are: the file decides.
    const untransformed = await decoded(SYNTAXES.jpegBaseline, { ...image, photometric: 'RGB' }, [jpeg]);
    assert.ok(Math.abs((untransformed[0] as number) - 83) <= 3, String(untransformed.slice(0, 3)));
  });

  it('may have their height after their pixels', async () => {
    const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
    const jpeg = await sharp(Buffer.from(pattern(8)), { raw })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    const lossless = encodeJpegLossless(pattern(8), WIDTH, HEIGHT, { precision: 8 });
    for (const [syntax, stream, frame] of [
      [SYNTAXES.jpegBaseline, jpeg, 0xc0],
      [SYNTAXES.jpegLossless, lossless, 0xc3],
    ] as const) {
      const late = withLateHeight(stream, frame, HEIGHT);
      assert.deepEqual(
        await decoded(syntax, { bits: 8 }, [late]),
        await decoded(syntax, { bits: 8 }, [stream]),
      );
      const other = withLateHeight(stream, frame, HEIGHT + 1);
      await refuses(decoded(syntax, { bits: 8 }, [other]), /differs in size/);
      const none = Buffer.concat([late.subarray(0, late.length - 8), late.subarray(-2)]);
      await refuses(decoded(syntax, { bits: 8 }, [none]), /its JPEG stream has no height/);
    }
  });

  it('are refused when they end early', async () => {
    const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
    const jpeg = await sharp(Buffer.from(pattern(8)), { raw })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    assert.equal((await decoded(SYNTAXES.jpegBaseline, { bits: 8 }, [jpeg])).length, WIDTH * HEIGHT);
    const cut = jpeg.subarray(0, jpeg.length - 40);
    await refuses(decoded(SYNTAXES.jpegBaseline, { bits: 8 }, [cut]), /corrupt|truncated/);
  });
});

describe('JPEG-LS, JPEG 2000 and HTJ2K frames', () => {
  const encoders = [
    { syntax: SYNTAXES.jpegLs, script: 'codec-charls/wasmjs', name: 'JpegLSEncoder' },
    { syntax: SYNTAXES.jpeg2000Lossless, script: 'codec-openjpeg/wasmjs', name: 'J2KEncoder' },
    { syntax: SYNTAXES.htj2k, script: 'codec-openjph/wasmjs', name: 'HTJ2KEncoder' },
  ];
  for (const { syntax, script, name } of encoders) {
    it(`${name}: 8, 12 and 16 bits are exact`, async () => {
      for (const bits of [8, 12, 16]) {
        const values = pattern(bits);
        const stream = await encode(script, name, values, bits);
        const image = { bits: bits === 8 ? 8 : 16, bitsStored: bits };
        assert.deepEqual(await decoded(syntax, image, [stream]), values, `${bits} bits`);
      }
    });

    it(`${name}: signed values and colors are exact`, async () => {
      const signed = pattern(16, 1, true);
      const gray = await encode(script, name, signed, 16, { isSigned: name !== 'JpegLSEncoder' });
      assert.deepEqual(await decoded(syntax, { isSigned: true }, [gray]), signed);
      const rgb = pattern(8, 3);
      const photometric = name === 'JpegLSEncoder' ? 'RGB' : 'YBR_RCT';
      const color = await encode(script, name, rgb, 8);
      assert.deepEqual(await decoded(syntax, { bits: 8, samples: 3, photometric }, [color]), rgb);
    });

    it(`${name}: a stream that ends early, or of another size, is refused`, async () => {
      const stream = await encode(script, name, pattern(16), 16);
      for (const part of [0.3, 0.6, 0.9]) {
        const cut = stream.subarray(0, Math.floor(stream.length * part));
        await refuses(decoded(syntax, {}, [cut]), /truncated|corrupt/);
      }
      await refuses(decoded(syntax, { width: WIDTH + 1 }, [stream]), /differs in size/);
      // The codec still works.
      assert.deepEqual(await decoded(syntax, {}, [stream]), pattern(16));
    });
  }

  it('near-lossless JPEG-LS is within its error', async () => {
    const values = pattern(8);
    const stream = await encode('codec-charls/wasmjs', 'JpegLSEncoder', values, 8, { near: 3 });
    const near = await decoded(SYNTAXES.jpegLsNear, { bits: 8 }, [stream]);
    assert.ok(near.every((value, i) => Math.abs(value - (values[i] as number)) <= 3));
  });
});

describe('fragments of pixel data', () => {
  const image = { bits: 8, frames: 2 } as const;
  const frames = [pattern(8), pattern(8).reverse()] as const;
  const streams = frames.map((values) => encodeJpegLossless(values, WIDTH, HEIGHT, { precision: 8 }));
  const [first, second] = streams as [Buffer, Buffer];
  const halves = (stream: Buffer) => [stream.subarray(0, 100), stream.subarray(100)];

  it('are one for each frame', async () => {
    assert.deepEqual(await decoded(SYNTAXES.jpegLossless, image, streams, 1), frames[1]);
  });

  it('are assigned to frames by the offset table, or by the starts of streams', async () => {
    const parts = [...halves(first), ...halves(second)];
    const secondAt = 8 + 100 + 8 + Math.ceil((first.length - 100) / 2) * 2;
    for (const offsets of [[0, secondAt], []])
      assert.deepEqual(await decoded(SYNTAXES.jpegLossless, image, parts, 1, { offsets }), frames[1]);
  });

  it('are told apart without an offset table that is wrong, with a note', async () => {
    const parts = [...halves(first), ...halves(second)];
    for (const offsets of [[0, 0xfffffff0], [0, 108], [7, 3], [0], [0, 108, 216]]) {
      assert.deepEqual(await decoded(SYNTAXES.jpegLossless, image, parts, 1, { offsets }), frames[1]);
      const elements = imageElements({ width: WIDTH, height: HEIGHT, ...image });
      const file = encapsulatedFile(SYNTAXES.jpegLossless, elements, parts, { offsets });
      const { faults } = await decodeDicom(file, { frames: 1, window: 'full' });
      assert.deepEqual(faults, ['DICOM with a wrong table of frame offsets']);
    }
    // Three parts that begin a stream are not two frames.
    await refuses(
      decoded(SYNTAXES.jpegLossless, image, [...parts, first], 1, { offsets: [0, 3] }),
      /table of frame offsets is wrong/,
    );
  });

  it('need no end when the last one is whole', async () => {
    assert.deepEqual(
      await decoded(SYNTAXES.jpegLossless, { bits: 8 }, [first], 0, { hasEnd: false }),
      frames[0],
    );
  });
});
