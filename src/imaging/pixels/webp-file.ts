/** Reads the structure of a WebP file (RFC 9649): whether it is complete. */
import sharp from 'sharp';
import { ImageError } from '../../core/errors.js';
import { describeDecodeError } from './decode-error.js';
import type { Inspection } from './inspection.js';

/** @throws ImageError when the file is truncated, or its header is damaged. */
export async function inspectWebp(file: Uint8Array, where?: string): Promise<Inspection> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 16 || view.getUint32(4, true) + 8 > file.length)
    throw new ImageError({ what: 'is truncated', where });
  const { width, height } = await sharp(file, { limitInputPixels: false, pages: 1 })
    .metadata()
    .catch((error: unknown) => {
      throw describeDecodeError(error, where);
    });
  return {
    format: 'webp',
    bytes: file,
    notes: [],
    width,
    height,
    samples: { space: 'rgb', bits: 8 },
    hasAlpha: true,
    hasExif: true,
    isWhole: true,
  };
}
