/** Opens a DICOM file as an 8-bit image. */
import { ImageError } from '../../core/errors.js';
import { type BurnedInPolicy, type LevelImage, withoutText } from '../pixels/burned-in-policy.js';
import { requireSize } from '../pixels/decoded-image.js';
import { Resampler } from '../pixels/resample.js';
import { type DicomFile, readDicomFile } from './file.js';
import { frameIndex, type FrameChoice } from './frames.js';
import { describeImage } from './image-description.js';
import { pixelAspect } from './pixel-aspect.js';
import { decodePixels } from './pixels.js';
import { renderPixels } from './render.js';
import type { DicomWindow } from './voi.js';

const BURNED_IN_ANNOTATION = 0x00280301;

export interface DicomOptions {
  frames: FrameChoice;
  window: DicomWindow;
  /** What is done about text in the pixels. Default: warn. */
  burnedIn?: BurnedInPolicy;
}

/** A decoded frame. Words about its file contain no value of an element. */
export interface DicomImage extends LevelImage {
  /** Faults of the file that do not change the pixels. */
  faults: string[];
  /** What was done to a file without faults, and should be known. */
  notes: string[];
}

/** Bytes per sample of what is computed from stored samples: levels, colors of a palette. */
const RENDERED_BYTES = 4;
/** Bytes per sample that decoders of compressed frames keep: coefficients and their transforms. */
const CODEC_BYTES = 12;

/** A file whose header is read. */
export interface OpenedDicom {
  /** Memory that decoding takes, in bytes. */
  memory: number;
  decode(options: DicomOptions): Promise<DicomImage>;
}

/**
 * Reads the header, once for the memory and for the pixels. The memory follows from the description
 * of the image: compressed pixels say nothing about it. To decode a frame, the transforms of the
 * standard are applied: modality, VOI, polarity, and the aspect ratio of pixels.
 *
 * @param where name of the file, for errors.
 * @throws ImageError when the file has no pixels, or they cannot be decoded completely. The reason
 *   contains no value of an element.
 */
export function openDicom(
  bytes: Uint8Array,
  { frames }: Pick<DicomOptions, 'frames'>,
  where?: string,
): OpenedDicom {
  try {
    const file = readDicomFile(bytes);
    const decodeFile = async (options: DicomOptions) => {
      try {
        return await decode(file, options);
      } catch (error) {
        throw describeDicomError(error, where);
      }
    };
    return { memory: memoryOf(file, bytes.byteLength, frames), decode: decodeFile };
  } catch (error) {
    throw describeDicomError(error, where);
  }
}

/** Decodes a frame of a file. @throws ImageError as {@link openDicom} does */
export async function decodeDicom(
  bytes: Uint8Array,
  options: DicomOptions,
  where?: string,
): Promise<DicomImage> {
  return openDicom(bytes, options, where).decode(options);
}

function memoryOf(file: DicomFile, fileBytes: number, frames: FrameChoice): number {
  const { dataSet, syntax } = file;
  const image = describeImage(file);
  const aspect = pixelAspect(dataSet, frameIndex(frames, image));
  const { width, height, samples, bitsAllocated } = image;
  const stored = Math.ceil(bitsAllocated / 8);
  const perSample = 2 * stored + RENDERED_BYTES + (syntax.codec === 'native' ? 0 : CODEC_BYTES);
  const stretched = aspect === 1 ? 0 : Math.max(aspect, 1 / aspect);
  const inflated = syntax.isDeflated ? dataSet.cursor.bytes.byteLength : 0;
  return fileBytes + inflated + width * height * samples * (perSample + stretched);
}

async function decode(file: DicomFile, options: DicomOptions): Promise<DicomImage> {
  const pixels = await decodePixels(file, options.frames);
  const { image, frame } = pixels;
  const { levels, channels, isGuessed } = renderPixels(file.dataSet, pixels, options.window);
  const notes: string[] = [];
  if (isGuessed) notes.push('DICOM without a window: it was chosen from the pixels');
  const isOneOfAll = typeof options.frames === 'object';
  if (image.frames > 1 && !isOneOfAll) notes.push('DICOM with several frames: only one is used');
  const isDeclared = file.dataSet.string(BURNED_IN_ANNOTATION) === 'YES';
  const whole = { levels, width: image.width, height: image.height, channels };
  const kept = withoutText(whole, options.burnedIn ?? 'warn', isDeclared);
  if (kept.note) notes.push(kept.note);
  const aspect = pixelAspect(file.dataSet, frame);
  if (aspect !== 1) notes.push('DICOM with pixels that are not square: it was stretched');
  return { ...stretch(kept.image, aspect), faults: [...file.faults, ...pixels.faults], notes };
}

/** Enlarges the side along which pixels are longer, so that nothing is lost. */
function stretch(image: LevelImage, aspect: number): LevelImage {
  if (aspect === 1) return image;
  const { levels, channels, ...size } = image;
  const width = aspect < 1 ? Math.round(size.width / aspect) : size.width;
  const height = aspect > 1 ? Math.round(size.height * aspect) : size.height;
  requireSize({ width, height });
  const resampler = new Resampler(size.width, channels, { left: 0, top: 0, ...size }, { width, height });
  resampler.addRows(levels);
  return { levels: resampler.finish(), width, height, channels };
}

/** Errors of readers say where in the bytes they are; a message for people says what is wrong. */
export function describeDicomError(error: unknown, where: string | undefined): unknown {
  if (error instanceof ImageError) return new ImageError({ what: error.what, hint: error.hint, where });
  if (error instanceof RangeError)
    return new ImageError({ what: 'is corrupt: its lengths contradict each other', where });
  return error;
}
