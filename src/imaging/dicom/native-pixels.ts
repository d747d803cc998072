/** Reads uncompressed samples of 1, 8, 16 or 32 bits (PS3.5 section 8). */
import type { NativeFrame } from './frames.js';

export type UnsignedSamples = Uint8Array | Uint16Array | Uint32Array;
export type Samples = UnsignedSamples | Int8Array | Int16Array | Int32Array;

/**
 * @param count number of samples.
 * @returns unsigned samples as they are stored, unused bits included; they may be a view of the
 *   file.
 */
export function readNative(
  { bytes, firstBit }: NativeFrame,
  count: number,
  bitsAllocated: 1 | 8 | 16 | 32,
  isLittleEndian: boolean,
): UnsignedSamples {
  if (bitsAllocated === 1) return readBits(bytes, firstBit, count);
  if (bitsAllocated === 8) return bytes;
  const length = (count * bitsAllocated) / 8;
  const isAligned = bytes.byteOffset % 4 === 0 || (bitsAllocated === 16 && bytes.byteOffset % 2 === 0);
  // A view when possible: pixels are most of a file. Swapping needs a copy.
  const source = isLittleEndian && isAligned ? bytes.subarray(0, length) : bytes.slice(0, length);
  const { buffer, byteOffset } = source;
  if (bitsAllocated === 16) {
    if (!isLittleEndian) Buffer.from(buffer).swap16();
    return new Uint16Array(buffer, byteOffset, count);
  }
  if (!isLittleEndian) Buffer.from(buffer).swap32();
  return new Uint32Array(buffer, byteOffset, count);
}

/** The first pixel is the least significant bit. */
function readBits(bytes: Uint8Array, firstBit: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bit = firstBit + i;
    out[i] = ((bytes[bit >> 3] as number) >> (bit & 7)) & 1;
  }
  return out;
}

/**
 * Removes unused bits and extends the sign.
 *
 * @param lowBit position of the least significant bit that counts.
 */
export function interpretBits(
  stored: UnsignedSamples,
  bits: number,
  lowBit: number,
  isSigned: boolean,
): Samples {
  const width = stored.BYTES_PER_ELEMENT * 8;
  if (bits === width) return isSigned ? signedView(stored) : stored;
  if (!isSigned && lowBit === 0 && hasOnly(stored, bits)) return stored;
  const out = makeSamples(stored, isSigned);
  const [left, right] = [32 - bits - lowBit, 32 - bits];
  for (let i = 0; i < stored.length; i++) {
    const shifted = (stored[i] as number) << left;
    out[i] = isSigned ? shifted >> right : shifted >>> right;
  }
  return out;
}

/** Whether all unused bits are 0, as they are in most files. */
function hasOnly(stored: UnsignedSamples, bits: number): boolean {
  let used = 0;
  for (let i = 0; i < stored.length; i++) used |= stored[i] as number;
  return used >>> bits === 0;
}

function signedView({ BYTES_PER_ELEMENT: bytes, buffer, byteOffset, length }: UnsignedSamples): Samples {
  if (bytes === 1) return new Int8Array(buffer, byteOffset, length);
  if (bytes === 2) return new Int16Array(buffer, byteOffset, length);
  return new Int32Array(buffer, byteOffset, length);
}

function makeSamples({ BYTES_PER_ELEMENT: bytes, length }: UnsignedSamples, isSigned: boolean): Samples {
  if (bytes === 1) return isSigned ? new Int8Array(length) : new Uint8Array(length);
  if (bytes === 2) return isSigned ? new Int16Array(length) : new Uint16Array(length);
  return isSigned ? new Int32Array(length) : new Uint32Array(length);
}

/** Reorders planes of color, [samples, n], to pixels, [n, samples]. */
export function interleavePlanes<Values extends UnsignedSamples>(planes: Values, samples: number): Values {
  const out = planes.slice() as Values;
  const pixels = planes.length / samples;
  for (let sample = 0; sample < samples; sample++)
    for (let i = 0; i < pixels; i++) out[i * samples + sample] = planes[sample * pixels + i] as number;
  return out;
}
