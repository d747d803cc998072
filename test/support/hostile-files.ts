/** Files of every format that are cut short, lie about themselves, or unpack to too much. */
import { deflateRawSync, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import {
  dicomFile,
  encapsulatedFile,
  imageElements,
  nativePixels,
  rleFrame,
  SYNTAXES,
  type TestElement,
} from './dicom.js';
import { encodeJpegLossless, withLateHeight } from './jpeg-encoder.js';
import { pngChunk, pngOfSize } from './images.js';

const [WIDTH, HEIGHT] = [24, 20];
const MIB = 2 ** 20;

const levels = Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i * 37 + (i >> 4)) % 256);

/** A small file of each format and kind of compression. */
export async function samples(): Promise<Record<string, Buffer>> {
  const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
  const picture = () => sharp(Buffer.from(levels), { raw }).toColourspace('b-w');
  const jpeg = await picture().jpeg().toBuffer();
  const image = imageElements({ width: WIDTH, height: HEIGHT, bits: 8 });
  const native = [...image, nativePixels(levels, 8)];
  const lossless = encodeJpegLossless(levels, WIDTH, HEIGHT, { precision: 8 });
  return {
    'baseline.jpg': jpeg,
    'progressive.jpg': await picture().jpeg({ progressive: true }).toBuffer(),
    'gray.png': await picture().png().toBuffer(),
    'interlaced.png': await picture().png({ progressive: true }).toBuffer(),
    'plain.tif': await picture().tiff({ compression: 'none' }).toBuffer(),
    'lzw.tif': await picture().tiff({ compression: 'lzw' }).toBuffer(),
    'lossy.webp': await picture().webp().toBuffer(),
    'lossless.webp': await picture().webp({ lossless: true }).toBuffer(),
    'implicit.dcm': dicomFile(SYNTAXES.implicit, native),
    'explicit.dcm': dicomFile(SYNTAXES.explicit, native),
    'big-endian.dcm': dicomFile(SYNTAXES.bigEndian, native),
    'deflated.dcm': dicomFile(SYNTAXES.deflated, native),
    'rle.dcm': encapsulatedFile(SYNTAXES.rle, image, [rleFrame([Uint8Array.from(levels)])]),
    'jpeg.dcm': encapsulatedFile(SYNTAXES.jpegBaseline, image, [jpeg]),
    'lossless.dcm': encapsulatedFile(SYNTAXES.jpegLossless, image, [lossless]),
  };
}

function altered(file: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(file);
  change(copy);
  return copy;
}

const DAMAGED = /corrupt|truncated/;
const CUT = /truncated|corrupt|not an image|pixel data|no data set/;

/** Files by name, each with the reason for which it is set aside. */
export type HostileFiles = Record<string, [Buffer, RegExp]>;

/** Files that lie, with the reason that is expected. */
function lyingImages(files: Record<string, Buffer>): HostileFiles {
  const { jpg, png, tif, webp } = {
    jpg: files['baseline.jpg'] as Buffer,
    png: files['gray.png'] as Buffer,
    tif: files['plain.tif'] as Buffer,
    webp: files['lossless.webp'] as Buffer,
  };
  const frame = jpg.indexOf(Buffer.from([0xff, 0xc0]));
  const directory = tif.readUInt32LE(4);
  const header = (width: number, height: number) => {
    const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0]);
    data.writeUInt32BE(width, 0);
    data.writeUInt32BE(height, 4);
    return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', data)]);
  };
  return {
    'vast.png': [pngOfSize(2 ** 31 - 1, 2 ** 31 - 1), /at most 100 million/],
    'wide.png': [pngOfSize(90_000_000, 1), /a side has at most 65535/],
    'flat.png': [pngOfSize(0, 20), /no pixels|corrupt|truncated/],
    'bomb.png': [
      Buffer.concat([
        header(9000, 9000),
        pngChunk('IDAT', deflateSync(Buffer.alloc(MIB))),
        pngChunk('IEND', Buffer.alloc(0)),
      ]),
      DAMAGED,
    ],
    'chunk.png': [altered(png, (copy) => copy.writeUInt32BE(0xffffffff, 33)), DAMAGED],
    'no-data.png': [Buffer.concat([png.subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]), DAMAGED],
    'vast.jpg': [altered(jpg, (copy) => copy.fill(0xff, frame + 5, frame + 9)), /at most 100 million/],
    'no-height.jpg': [altered(jpg, (copy) => copy.writeUInt16BE(0, frame + 5)), /JPEG without height/],
    'late-height.jpg': [withLateHeight(jpg, 0xc0, 0xffff), DAMAGED],
    'components.jpg': [altered(jpg, (copy) => copy.writeUInt8(255, frame + 9)), DAMAGED],
    'segment.jpg': [altered(jpg, (copy) => copy.writeUInt16BE(0, frame + 2)), DAMAGED],
    'markers.jpg': [Buffer.concat([jpg.subarray(0, 2), Buffer.alloc(5000, 0xff)]), DAMAGED],
    'twelve.jpg': [
      altered(jpg, (copy) => copy.writeUInt8(12, frame + 4)),
      /12-bit JPEG, which is not supported/,
    ],
    'loss-less.jpg': [
      altered(jpg, (copy) => copy.writeUInt8(0xc3, frame + 1)),
      /lossless JPEG, which is not/,
    ],
    'outside.tif': [altered(tif, (copy) => copy.writeUInt32LE(0xfffffff0, 4)), DAMAGED],
    'header.tif': [altered(tif, (copy) => copy.writeUInt32LE(0, 4)), DAMAGED],
    'tags.tif': [altered(tif, (copy) => copy.writeUInt16LE(0xffff, directory)), DAMAGED],
    'size.webp': [altered(webp, (copy) => copy.writeUInt32LE(0xfffffff6, 4)), DAMAGED],
    'empty.webp': [Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'), DAMAGED],
    'text.png': [Buffer.from('<html>Not found</html>'), /is not an image/],
    'empty.jpg': [Buffer.alloc(0), /is an empty file/],
    'film.png': [Buffer.from('GIF89a'), /GIF is not supported/],
    'bitmap.jpg': [Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)]), /BMP is not supported/],
    'archive.png': [Buffer.from('PK\x03\x04 and more', 'latin1'), /not (an image|supported)/],
  };
}

function lyingDicom(files: Record<string, Buffer>): HostileFiles {
  const image = imageElements({ width: WIDTH, height: HEIGHT, bits: 8 });
  const pixels = nativePixels(levels, 8);
  const explicit = (...elements: TestElement[]) => dicomFile(SYNTAXES.explicit, elements);
  const sized = (width: number, height: number) => imageElements({ width, height, bits: 8 });
  const nested = Buffer.concat(
    new Array<Buffer>(10_000).fill(
      Buffer.from('080040115351 0000ffffffff feff00e0ffffffff'.replaceAll(' ', ''), 'hex'),
    ),
  );
  const bomb = (megabytes: number, ...elements: TestElement[]) =>
    Buffer.concat([
      dicomFile(SYNTAXES.deflated, []).subarray(0, -2),
      deflateRawSync(
        Buffer.concat([
          dicomFile(SYNTAXES.explicit, elements, { isBare: true }),
          Buffer.alloc(megabytes * MIB),
        ]),
      ),
    ]);
  const jpeg = files['baseline.jpg'] as Buffer;
  const frames = imageElements({ width: WIDTH, height: HEIGHT, bits: 8, frames: 3 });
  return {
    'nested.dcm': [Buffer.concat([explicit(...image.slice(0, 1)), nested]), /nested more than 64 levels/],
    'vast.dcm': [explicit(...sized(65535, 65535), pixels), /at most 100 million/],
    'short.dcm': [explicit(...sized(9000, 9000), pixels), /truncated: \d+ of \d+ bytes/],
    'vast-rle.dcm': [encapsulatedFile(SYNTAXES.rle, sized(9000, 9000), [Buffer.alloc(100)]), DAMAGED],
    'vast-jpeg.dcm': [encapsulatedFile(SYNTAXES.jpegBaseline, sized(9000, 9000), [jpeg]), /differs in size/],
    'rows.dcm': [explicit(...sized(0, 20), pixels), /without rows or columns/],
    'bits.dcm': [explicit(...imageElements({ width: 8, height: 8, bits: 64 }), pixels), /64 bits allocated/],
    'samples.dcm': [
      explicit(...image, pixels, { tag: 0x00280002, vr: 'US', value: [7] }),
      /7 samples per pixel|MONOCHROME2/,
    ],
    'no-pixels.dcm': [explicit(...image), /without pixel data/],
    'index.dcm': [explicit({ tag: 0x00041220, vr: 'SQ', value: [[]] }), /DICOMDIR, an index of files/],
    'video.dcm': [
      encapsulatedFile('1.2.840.10008.1.2.4.102', image, [jpeg]),
      /MPEG-4, which is not supported/,
    ],
    'private.dcm': [dicomFile('1.2.3.4', [...image, pixels]), /unknown or private transfer syntax/],
    'length.dcm': [
      altered(explicit({ tag: 0x00080005, vr: 'CS', value: 'ISO_IR 100' }, ...image, pixels), (copy) =>
        copy.writeUInt16LE(60_000, copy.indexOf('CS') + 2),
      ),
      /truncated/,
    ],
    'offsets.dcm': [
      encapsulatedFile(SYNTAXES.jpegBaseline, frames, [jpeg, jpeg.subarray(4), jpeg, jpeg.subarray(4)], {
        offsets: [0, 3, 7],
      }),
      /table of frame offsets is wrong/,
    ],
    'fragments.dcm': [encapsulatedFile(SYNTAXES.jpegBaseline, image, []), /pixel data are empty/],
    'other-stream.dcm': [
      encapsulatedFile(SYNTAXES.jpegBaseline, image, [files['gray.png'] as Buffer]),
      DAMAGED,
    ],
    'bomb.dcm': [bomb(100), /unpacks to more than|more than 100000 elements/],
    'bomb-pixels.dcm': [
      dicomFile(SYNTAXES.deflated, [...image, { tag: 0x7fe00010, vr: 'OB', value: Buffer.alloc(100 * MIB) }]),
      /unpacks to more than/,
    ],
  };
}

/** A small file of each kind cut at several lengths. */
function truncated(files: Record<string, Buffer>): HostileFiles {
  const named = Object.entries(files).flatMap(([name, file]) =>
    [1, 3, 5, 7, 9].map((tenth): [string, [Buffer, RegExp]] => [
      `${tenth}-tenths-${name}`,
      [file.subarray(0, Math.floor((file.length * tenth) / 10)), CUT],
    ]),
  );
  return Object.fromEntries(named);
}

/** All hostile files. */
export async function hostileFiles(): Promise<HostileFiles> {
  const files = await samples();
  return { ...truncated(files), ...lyingImages(files), ...lyingDicom(files) };
}
