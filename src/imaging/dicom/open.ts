/** Opens a DICOM file as an 8-bit image. */
import sharp from 'sharp';
import { ImageError } from '../../core/errors.js';
import { type BurnedInPolicy, type LevelImage, withoutText } from '../pixels/burned-in-policy.js';
import { MAX_PIXELS } from '../pixels/decoded-image.js';
import { readDicomFile } from './file.js';
import type { FrameChoice } from './frames.js';
import { pixelAspect } from './pixel-aspect.js';
import { decodePixels } from './pixels.js';
import { renderPixels } from './render.js';
import type { WindowChoice } from './voi.js';

const BURNED_IN_ANNOTATION = 0x00280301;

export interface DicomOptions {
  frames: FrameChoice;
  window: WindowChoice;
  /** What is done about text in the pixels. Default: warn. */
  burnedIn?: BurnedInPolicy;
}

/** A decoded frame, with harmless observations about its file. */
export interface DicomImage extends LevelImage {
  /** In words that contain no value of an element. */
  notes: string[];
}

/**
 * Decodes a frame and applies the transforms of the standard: modality, VOI, polarity, and the
 * aspect ratio of pixels.
 *
 * @param where name of the file, for errors.
 * @throws ImageError when the file has no pixels, or they cannot be decoded completely. The reason
 *   contains no value of an element.
 */
export async function decodeDicom(
  bytes: Uint8Array,
  options: DicomOptions,
  where?: string,
): Promise<DicomImage> {
  try {
    return await decode(bytes, options);
  } catch (error) {
    throw describeDicomError(error, where);
  }
}

async function decode(bytes: Uint8Array, options: DicomOptions): Promise<DicomImage> {
  const file = readDicomFile(bytes);
  const pixels = await decodePixels(file, options.frames);
  const { image, frame } = pixels;
  const { levels, channels, isGuessed } = renderPixels(file.dataSet, pixels, options.window);
  const notes: string[] = [];
  if (isGuessed) notes.push('DICOM without a window: it was chosen from the pixels');
  if (image.frames > 1) notes.push('DICOM with several frames: only one is used');
  const isDeclared = file.dataSet.string(BURNED_IN_ANNOTATION) === 'YES';
  const whole = { levels, width: image.width, height: image.height, channels };
  const kept = withoutText(whole, options.burnedIn ?? 'warn', isDeclared);
  if (kept.note) notes.push(kept.note);
  const aspect = pixelAspect(file.dataSet, frame);
  if (aspect !== 1) notes.push('DICOM with pixels that are not square: it was stretched');
  return { ...(await stretch(kept.image, aspect)), notes };
}

/** Enlarges the side along which pixels are longer, so that nothing is lost. */
async function stretch(image: LevelImage, aspect: number): Promise<LevelImage> {
  if (aspect === 1) return image;
  const { levels, ...raw } = image;
  const width = aspect < 1 ? Math.round(raw.width / aspect) : raw.width;
  const height = aspect > 1 ? Math.round(raw.height * aspect) : raw.height;
  if (width * height > MAX_PIXELS)
    throw new ImageError({ what: `has more than ${MAX_PIXELS / 1e6} million pixels after stretching` });
  const { channels } = raw;
  const stretched = await sharp(levels, { raw })
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  return { levels: stretched, width, height, channels };
}

/** Errors of readers say where in the bytes they are; a message for people says what is wrong. */
export function describeDicomError(error: unknown, where: string | undefined): unknown {
  if (error instanceof ImageError) return new ImageError({ what: error.what, hint: error.hint, where });
  if (error instanceof RangeError)
    return new ImageError({ what: 'is corrupt: its lengths contradict each other', where });
  return error;
}
