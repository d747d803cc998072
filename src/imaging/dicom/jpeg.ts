/** Decodes a JPEG frame of a DICOM file, whichever process its stream uses. */
import sharp from 'sharp';
import { ImageError } from '../../core/errors.js';
import { MAX_PIXELS } from '../pixels/decoded-image.js';
import { plainBytes } from './elements.js';
import { decodeJpegExtended } from './jpeg-extended.js';
import { decodeJpegLossless } from './jpeg-lossless.js';
import { endOfScan, linesAfterScan } from '../pixels/jpeg-height.js';
import {
  isFrameMarker,
  type JpegFrame,
  type JpegSegment,
  listSegments,
  readFrame,
} from '../pixels/jpeg-stream.js';
import type { RawFrame } from './raw-frame.js';

const PROCESSES = new Map([
  [0xc2, 'progressive'],
  [0xc5, 'hierarchical'],
  [0xc6, 'hierarchical'],
  [0xc7, 'hierarchical lossless'],
  [0xc9, 'arithmetic'],
  [0xca, 'arithmetic progressive'],
  [0xcb, 'arithmetic lossless'],
]);

/**
 * @param expected what the file declares; a stream of another size is not decoded.
 * @param isYbr whether the file describes its colors as luminance and chrominance.
 * @throws ImageError
 */
export async function decodeJpeg(
  stream: Uint8Array,
  expected: { width: number; height: number; samples: number },
  isYbr: boolean,
): Promise<RawFrame> {
  const segments = listSegments(stream);
  const jpeg = withHeight(stream, segments);
  const frame = readFrame(jpeg, segments);
  const { marker, precision, width, height, components } = frame;
  const isAsDeclared =
    width === expected.width && height === expected.height && components.length === expected.samples;
  if (!isAsDeclared)
    throw new ImageError({ what: 'is corrupt: its compressed frame differs in size from the image' });
  const isYbrStream = components.length === 3 && usesYbr(jpeg, frame, segments, isYbr);
  const shape = { width, height, samples: components.length, bits: precision, isPlanar: false };
  if (marker === 0xc3) {
    const values = decodeJpegLossless(jpeg, frame, segments);
    return { ...shape, values, isYbr: isYbrStream };
  }
  if (marker <= 0xc2 && precision === 8) {
    const values = await decodeBaseline(jpeg, segments, components.length, isYbrStream);
    return { ...shape, values, isYbr: false };
  }
  if (marker <= 0xc1 && precision === 12) {
    const values = decodeJpegExtended(jpeg, frame, segments);
    return { ...shape, values, isYbr: isYbrStream };
  }
  const process = PROCESSES.get(marker) ?? 'sequential';
  throw new ImageError({ what: `is DICOM in ${precision}-bit ${process} JPEG, which is not supported` });
}

/** The stream with its height in its frame, where it follows the first scan. */
function withHeight(jpeg: Uint8Array, segments: readonly JpegSegment[]): Uint8Array {
  const frame = segments.find(({ marker }) => isFrameMarker(marker));
  if (!frame || jpeg[frame.start + 1] !== 0 || jpeg[frame.start + 2] !== 0) return jpeg;
  const lines = linesAfterScan(jpeg, endOfScan(jpeg, segments.at(-1)?.end ?? jpeg.length));
  if (lines === null) throw new ImageError({ what: 'is corrupt: its JPEG stream has no height' });
  const copy = new Uint8Array(jpeg);
  copy.set([lines >> 8, lines & 0xff], frame.start + 1);
  return copy;
}

/**
 * What the stream itself says has precedence: letters as component identifiers, the markers of JFIF
 * and Adobe.
 */
function usesYbr(
  jpeg: Uint8Array,
  { components }: JpegFrame,
  segments: readonly JpegSegment[],
  isDeclaredYbr: boolean,
): boolean {
  if (/^rgb$/i.test(String.fromCharCode(...components.map(({ id }) => id)))) return false;
  const adobe = segments.find((segment) => isApplication(jpeg, segment, 0xee, 'Adobe'));
  if (adobe && adobe.end - adobe.start >= 12) return jpeg[adobe.start + 11] !== 0;
  return isDeclaredYbr || segments.some((segment) => isApplication(jpeg, segment, 0xe0, 'JFIF'));
}

function isApplication(jpeg: Uint8Array, segment: JpegSegment, marker: number, name: string): boolean {
  return (
    segment.marker === marker &&
    Buffer.from(jpeg.subarray(segment.start, segment.start + name.length)).toString('latin1') === name
  );
}

/** An Adobe segment, whose last byte says whether the colors are transformed. */
const adobeSegment = (transform: 0 | 1) =>
  Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform]);

/** Decodes 8-bit JPEG with libjpeg-turbo, which is told the color space by a segment of its own. */
async function decodeBaseline(
  jpeg: Uint8Array,
  segments: readonly JpegSegment[],
  samples: number,
  isYbr: boolean,
): Promise<Uint8Array> {
  const kept = segments.filter(({ marker }) => marker < 0xe0 || marker > 0xef);
  const scanEnd = segments.at(-1)?.end ?? jpeg.length;
  const parts = kept.map(({ at, end }) => jpeg.subarray(at, end));
  const marker = samples === 3 ? adobeSegment(isYbr ? 1 : 0) : Buffer.alloc(0);
  const bytes = Buffer.concat([jpeg.subarray(0, 2), marker, ...parts, jpeg.subarray(scanEnd)]);
  try {
    const values = await sharp(bytes, { failOn: 'truncated', limitInputPixels: MAX_PIXELS })
      .toColourspace(samples === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    return plainBytes(values);
  } catch {
    throw new ImageError({ what: 'is corrupt: its JPEG stream cannot be decoded to its end' });
  }
}
