/** Decodes DICOM RLE frames (PS3.5 annex G). */
import { ImageError } from '../../core/errors.js';

const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

/**
 * Each segment has one byte of every sample, the most significant first.
 *
 * @param pixels number of pixels.
 * @param bytesPerSample 1, 2 or 4.
 * @returns samples in little endian; planes of color one after the other.
 * @throws ImageError when the segments do not give exactly the pixels.
 */
export function decodeRle(
  frame: Uint8Array,
  pixels: number,
  samples: number,
  bytesPerSample: number,
): Uint8Array {
  const header = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.byteLength < HEADER_BYTES) throw new ImageError({ what: 'is truncated within an RLE header' });
  const count = header.getUint32(0, true);
  if (count !== samples * bytesPerSample || count > MAX_SEGMENTS) {
    const expected = samples * bytesPerSample;
    throw new ImageError({ what: `is corrupt: it has ${count} RLE segments instead of ${expected}` });
  }
  const out = new Uint8Array(pixels * count);
  for (let segment = 0; segment < count; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < count ? header.getUint32(8 + 4 * segment, true) : frame.byteLength;
    if (start < HEADER_BYTES || end < start || end > frame.byteLength)
      throw new ImageError({ what: 'is corrupt: an RLE segment is outside of its frame' });
    const sample = Math.floor(segment / bytesPerSample);
    const significance = bytesPerSample - 1 - (segment % bytesPerSample);
    const first = sample * pixels * bytesPerSample + significance;
    expandSegment(frame.subarray(start, end), out, first, bytesPerSample, pixels);
  }
  return out;
}

/** PackBits: a count and then literal bytes, or one repeated byte. */
function expandSegment(
  packed: Uint8Array,
  out: Uint8Array,
  first: number,
  stride: number,
  pixels: number,
): void {
  const end = first + pixels * stride;
  let [from, to] = [0, first];
  while (to < end && from < packed.length) {
    const control = packed[from++] as number;
    if (control === 128) continue;
    const isRun = control > 128;
    const length = isRun ? 257 - control : control + 1;
    if (from + (isRun ? 1 : length) > packed.length) break;
    // A run may extend over the end, as padding.
    const stop = Math.min(end, to + length * stride);
    for (let i = from; to < stop; to += stride) out[to] = packed[isRun ? from : i++] as number;
    from += isRun ? 1 : length;
  }
  if (to < end) throw new ImageError({ what: 'is truncated: an RLE segment ends early' });
}
