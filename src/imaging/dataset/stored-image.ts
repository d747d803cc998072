/** Reads the images of finished sets: PNG files, or the DICOM files of synthetic sets. */
import { ImageError } from '../../core/errors.js';
import { readDicomFile } from '../dicom/file.js';
import { describeDicomError } from '../dicom/open.js';
import { decodePixels } from '../dicom/pixels.js';
import { looksLikeDicom } from '../dicom/sniff.js';
import { decodePng, encodePng } from '../pixels/png.js';

export interface StoredShape {
  width: number;
  height: number;
  channels: 1 | 3;
}

/**
 * @returns [height, width, channels] uint8, as they were written.
 * @throws ImageError when the file is corrupt or does not have the expected size and channels.
 */
export async function decodeStored(
  bytes: Uint8Array,
  expected: StoredShape,
  where?: string,
): Promise<Uint8Array> {
  if (!looksLikeDicom(bytes)) return decodePng(bytes, expected, where);
  try {
    const { image, samples } = await decodePixels(readDicomFile(bytes), 'first');
    const isExpected = image.width === expected.width && image.height === expected.height;
    if (isExpected && image.samples === expected.channels && samples instanceof Uint8Array) return samples;
  } catch (error) {
    throw describeDicomError(error, where);
  }
  throw new ImageError({ what: 'is DICOM of another size or depth', where });
}

/** The image as a PNG file, for pages. */
export async function storedAsPng(bytes: Uint8Array, expected: StoredShape): Promise<Uint8Array> {
  if (!looksLikeDicom(bytes)) return bytes;
  const { width, height, channels } = expected;
  return encodePng(await decodeStored(bytes, expected), width, height, channels);
}
