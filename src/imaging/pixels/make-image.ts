/** Makes what a data set stores of an image file, and a thumbnail by which copies are found. */
import type { PreprocessSpec } from '../../spec/preprocess.js';
import type { FrameChoice } from '../dicom/frames.js';
import { withImage } from './decode.js';
import type { DecodedImage } from './decoded-image.js';
import { sniffFormat } from './format.js';
import { frameOf, settingsOf } from './frame-settings.js';
import { exposureOf, type ImageFacts } from './image-facts.js';
import { mirrorImage } from './mirror.js';
import { encodePng } from './png.js';
import { channelsOf, squareImage } from './process.js';
import { THUMBNAIL, thumbnail } from './thumbnail.js';
import type { ValueRange } from './window.js';
import { rejectionReason } from './rejection-reason.js';

/** The keys of `preprocess` on which the pixels of an image depend, and its range of values. */
export interface MakeSettings
  extends Pick<
    PreprocessSpec,
    'resolution' | 'square' | 'color' | 'autocrop' | 'contrast' | 'window' | 'strict' | 'dicom' | 'mirror'
  > {
  privacy: Pick<PreprocessSpec['privacy'], 'burnedIn'>;
  /** Range of 16-bit samples for the whole data set. */
  range?: ValueRange;
}

/**
 * PNG files: the image, and with `mirror` its flipped copy; or the reason for which there is none.
 */
export type MadeImage = { notes: string[] } & (
  | { files: Uint8Array[]; facts: ImageFacts }
  | { reason: string }
);

/** The settings of images, without everything else of a spec. */
export function makeSettings(spec: PreprocessSpec, range?: ValueRange): MakeSettings {
  const { resolution, square, color, autocrop, contrast, window, strict, dicom, mirror } = spec;
  const privacy = { burnedIn: spec.privacy.burnedIn };
  const settings = { resolution, square, color, autocrop, contrast, window, strict, dicom, privacy, mirror };
  return range ? { ...settings, range } : settings;
}

export interface MakeOptions {
  /** The frame of a file of which all are used. */
  frame?: number | undefined;
  /** Called with the decoded image before it is used. */
  onImage?: (image: DecodedImage) => Promise<void>;
}

/** @throws only errors that are no fault of the image, such as a full disk */
export async function makeImage(
  bytes: Uint8Array,
  settings: MakeSettings,
  { frame, onImage }: MakeOptions = {},
): Promise<MadeImage> {
  const notes: string[] = [];
  const options = settingsOf(settings, { frame });
  try {
    const { width, height, pixels } = await withImage(bytes, options, async (image) => {
      notes.push(...image.notes);
      await onImage?.(image);
      return { width: image.width, height: image.height, pixels: await squareImage(image, options) };
    });
    const facts = { width, height, ...exposureOf(pixels) };
    return { notes, files: await encodeVersions(pixels, settings), facts };
  } catch (error) {
    return { notes, reason: rejectionReason(error) };
  }
}

/**
 * The same with the thumbnail, from one decoding where the settings of both show the same values.
 *
 * @returns the thumbnail as null when the image cannot be decoded.
 */
export async function makeImageAndThumbnail(
  bytes: Uint8Array,
  settings: MakeSettings,
  frame?: number,
): Promise<{ made: MadeImage; thumbnail: Uint8Array | null }> {
  if (!showsTheSame(bytes, settings))
    return {
      thumbnail: await thumbnailOrNull(bytes, frameOf(settings.dicom.frames, frame)),
      made: await makeImage(bytes, settings, { frame }),
    };
  let small: Uint8Array | null = null;
  const onImage = async (image: DecodedImage) => {
    small = await squareImage({ ...image, rows: image.ownRows ?? image.rows }, THUMBNAIL);
  };
  const made = await makeImage(bytes, settings, { frame, onImage });
  return { made, thumbnail: small };
}

/** Whether a thumbnail would be made of the same levels, and fail for the same reasons. */
function showsTheSame(bytes: Uint8Array, { dicom, privacy, strict }: MakeSettings): boolean {
  if (strict || privacy.burnedIn !== 'warn') return false;
  const sniffed = sniffFormat(bytes);
  return !('format' in sniffed) || sniffed.format !== 'dicom' || dicom.window === 'first';
}

async function encodeVersions(
  pixels: Uint8Array,
  { resolution, color, mirror }: MakeSettings,
): Promise<Uint8Array[]> {
  const channels = channelsOf(color);
  const versions = mirror ? [pixels, mirrorImage(pixels, resolution, resolution, channels)] : [pixels];
  return Promise.all(versions.map((version) => encodePng(version, resolution, resolution, channels)));
}

/** null for an image that cannot be decoded: building the data set says why. */
export async function thumbnailOrNull(bytes: Uint8Array, frames: FrameChoice): Promise<Uint8Array | null> {
  try {
    return await thumbnail(bytes, frames);
  } catch (error) {
    rejectionReason(error);
    return null;
  }
}
