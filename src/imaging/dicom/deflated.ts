/** Inflates deflated data sets of DICOM files, no further than their pixels need. */
import { constants, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { ImageError } from '../../core/errors.js';

/** Elements before the pixels: overlays and private ones have some megabytes. */
const MAX_HEADER_BYTES = 64 * 2 ** 20;
/** What may follow the pixels: padding and signatures. */
const MAX_TRAILER_BYTES = 2 ** 20;
/** Deflated bytes that are tried first; deflate packs at most 1032 to 1. */
const FIRST_BYTES = 16 * 2 ** 10;

/**
 * The beginning of a data set that has what `isEnough` looks for, or all of it.
 *
 * @throws ImageError when it is damaged, or its header is too large.
 */
export function inflateHeader(deflated: Uint8Array, isEnough: (part: Uint8Array) => boolean): Uint8Array {
  for (let bytes = FIRST_BYTES; ; bytes *= 4) {
    const part = inflate(deflated.subarray(0, bytes), MAX_HEADER_BYTES, {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    if (bytes >= deflated.byteLength || isEnough(part)) return part;
  }
}

/**
 * A whole data set.
 *
 * @param needed bytes up to the end of the pixels.
 * @throws ImageError when it is truncated or damaged, or larger.
 */
export function inflateWhole(deflated: Uint8Array, needed: number): Uint8Array {
  // A chunk for everything: chunks would be copied into one, in twice the memory.
  return inflate(deflated, needed + MAX_TRAILER_BYTES, { chunkSize: needed + 1024 });
}

function inflate(deflated: Uint8Array, maxOutputLength: number, options: ZlibOptions): Uint8Array {
  try {
    return inflateRawSync(deflated, { ...options, maxOutputLength });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ImageError({
      what:
        code === 'ERR_BUFFER_TOO_LARGE'
          ? `unpacks to more than ${maxOutputLength} bytes, which its pixels do not need`
          : code === 'Z_BUF_ERROR'
            ? 'is truncated: its deflated data set has no end'
            : 'is corrupt: its data set cannot be inflated',
    });
  }
}
