/** Acts on text in the pixels of an image: refuses it, crops the text, or warns. */
import { ImageError } from '../../core/errors.js';
import type { PrivacySpec } from '../../spec/preprocess.js';
import { cropText, findText } from './burned-in.js';
import { toGray } from './color.js';
import type { Rectangle } from './square.js';

export type BurnedInPolicy = PrivacySpec['burnedIn'];

/** 8-bit pixels, [height, width, channels]. */
export interface LevelImage {
  levels: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

const HINT = 'Remove the text, or choose another value for preprocess.privacy.burnedIn.';

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
  const boxes = findText(channels === 1 ? levels : toGray(levels), width, height);
  if (!isDeclared && boxes.length === 0) return { image, note: null };
  if (policy === 'refuse') throw new ImageError({ what: 'seems to have text in its pixels', hint: HINT });
  if (policy === 'warn') return { image, note: 'seems to have text in its pixels' };
  const kept = boxes.length > 0 ? cropText(width, height, boxes) : null;
  if (kept === null)
    throw new ImageError({ what: 'seems to have text in its pixels that cannot be cropped', hint: HINT });
  return { image: extract(image, kept), note: 'had text in a margin, which was cropped' };
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
