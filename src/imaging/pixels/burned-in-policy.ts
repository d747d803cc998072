/** Acts on text in the pixels of an image: refuses it, crops the text, or warns. */
import { ImageError } from '../../core/errors.js';
import type { PrivacySpec } from '../../spec/preprocess.js';
import { cropText, findText } from './burned-in.js';
import { grayOf, toGray } from './color.js';
import type { DecodedImage } from './decoded-image.js';
import type { Rectangle } from './square.js';

export type BurnedInPolicy = PrivacySpec['burnedIn'];

/** 8-bit pixels, [height, width, channels]. */
export interface LevelImage {
  levels: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

const HINT =
  'Remove the text, or choose another value for preprocess.privacy.burnedIn (--privacy-burned-in).';

/**
 * @param isDeclared the file itself says that it has text in its pixels.
 * @returns the image or what is left of it, and a warning if there is text.
 * @throws ImageError when there is text and the policy refuses it, or it cannot be cropped.
 */
export function withoutText(
  image: LevelImage,
  policy: BurnedInPolicy,
  isDeclared: boolean,
): { image: LevelImage; note: string | null } {
  const { levels, width, height, channels } = image;
  const gray = channels === 1 ? levels : toGray(levels);
  const { kept, note } = decide({ gray, width, height }, policy, isDeclared);
  return { image: kept ? extract(image, kept) : image, note };
}

/**
 * The same for an image of a format that does not declare text. Nothing is searched for `warn`:
 * that takes as long as decoding does.
 */
export async function withoutTextInRows(image: DecodedImage, policy: BurnedInPolicy): Promise<DecodedImage> {
  if (policy === 'warn') return image;
  const { width, height, channels } = image;
  const gray = await grayOf(image);
  const { kept, note } = decide({ gray, width, height }, policy, false);
  const notes = note === null ? image.notes : [...image.notes, note];
  if (kept === null) return { ...image, notes };
  const size = { width: kept.width, height: kept.height };
  return { ...size, channels, notes, rows: () => extractRows(image, kept) };
}

/** The rows of a region, in the strips of the image. */
async function* extractRows(image: DecodedImage, region: Rectangle): AsyncGenerator<Uint8Array> {
  const { width, channels } = image;
  let y = 0;
  for await (const levels of image.rows()) {
    const height = levels.length / (width * channels);
    const top = Math.max(0, region.top - y);
    const end = Math.min(height, region.top + region.height - y);
    const part = { ...region, top, height: end - top };
    if (end > top) yield extract({ levels, width, height, channels }, part).levels;
    y += height;
  }
}

/** @returns the part that is kept, null for all, and a warning if there is text */
function decide(
  { gray, width, height }: { gray: Uint8Array; width: number; height: number },
  policy: BurnedInPolicy,
  isDeclared: boolean,
): { kept: Rectangle | null; note: string | null } {
  const boxes = findText(gray, width, height);
  if (!isDeclared && boxes.length === 0) return { kept: null, note: null };
  if (policy === 'refuse') throw new ImageError({ what: 'seems to have text in its pixels', hint: HINT });
  if (policy === 'warn') return { kept: null, note: 'seems to have text in its pixels' };
  const kept = boxes.length > 0 ? cropText(width, height, boxes) : null;
  if (kept === null)
    throw new ImageError({ what: 'seems to have text in its pixels that cannot be cropped', hint: HINT });
  return { kept, note: 'had text in a margin, which was cropped' };
}

function extract({ levels, width, channels }: LevelImage, { left, top, ...size }: Rectangle): LevelImage {
  const row = size.width * channels;
  const out = new Uint8Array(row * size.height);
  for (let y = 0; y < size.height; y++) {
    const start = ((top + y) * width + left) * channels;
    out.set(levels.subarray(start, start + row), y * row);
  }
  return { levels: out, ...size, channels };
}
