/** Makes what a data set stores of an image file, and a thumbnail by which copies are found. */
import { ImageError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { withImage } from './decode.js';
import { sniffFormat } from './format.js';
import { mirrorImage } from './mirror.js';
import { encodePng } from './png.js';
import { channelsOf, squareImage } from './process.js';
import { THUMBNAIL, thumbnail } from './thumbnail.js';
import type { ValueRange } from './window.js';

/** The keys of `preprocess` on which the pixels of an image depend, and its range of values. */
export interface MakeSettings
  extends Pick<
    PreprocessSpec,
    | 'resolution'
    | 'square'
    | 'color'
    | 'autocrop'
    | 'contrast'
    | 'window'
    | 'strict'
    | 'dicom'
    | 'privacy'
    | 'mirror'
  > {
  /** Range of 16-bit samples for the whole data set. */
  range?: ValueRange;
}

/**
 * PNG files: the image, and with `mirror` its flipped copy; or the reason for which there is none.
 */
export type MadeImage = { notes: string[] } & ({ files: Uint8Array[] } | { reason: string });

/** The settings of images, without everything else of a spec. */
export function makeSettings(spec: PreprocessSpec, range?: ValueRange): MakeSettings {
  const { resolution, square, color, autocrop, contrast, window, strict, dicom, privacy, mirror } = spec;
  const settings = { resolution, square, color, autocrop, contrast, window, strict, dicom, privacy, mirror };
  return range ? { ...settings, range } : settings;
}

/** @throws only errors that are no fault of the image, such as a full disk */
export async function makeImage(bytes: Uint8Array, settings: MakeSettings): Promise<MadeImage> {
  const notes: string[] = [];
  try {
    const pixels = await withImage(bytes, settings, (image) => {
      notes.push(...image.notes);
      return squareImage(image, settings);
    });
    return { notes, files: await encodeVersions(pixels, settings) };
  } catch (error) {
    return { notes, reason: reasonOf(error) };
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
): Promise<{ made: MadeImage; thumbnail: Uint8Array | null }> {
  if (!showsTheSame(bytes, settings))
    return {
      thumbnail: await thumbnailOrNull(bytes, settings.dicom),
      made: await makeImage(bytes, settings),
    };
  const notes: string[] = [];
  let small: Uint8Array | null = null;
  try {
    const pixels = await withImage(bytes, settings, async (image) => {
      notes.push(...image.notes);
      small = await squareImage({ ...image, rows: image.ownRows ?? image.rows }, THUMBNAIL);
      return squareImage(image, settings);
    });
    return { thumbnail: small, made: { notes, files: await encodeVersions(pixels, settings) } };
  } catch (error) {
    return { thumbnail: small, made: { notes, reason: reasonOf(error) } };
  }
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
export async function thumbnailOrNull(
  bytes: Uint8Array,
  dicom: Pick<PreprocessSpec['dicom'], 'frames'>,
): Promise<Uint8Array | null> {
  try {
    return await thumbnail(bytes, dicom);
  } catch (error) {
    reasonOf(error);
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ImageError)) throw error;
  return [error.what, error.hint].filter(Boolean).join('. ');
}
