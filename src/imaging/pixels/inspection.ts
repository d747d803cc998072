/** What the structure of a file says before it is decoded. */

import type { PlainPng } from './plain-png.js';

export interface Inspection {
  format: 'jpeg' | 'png' | 'tiff' | 'webp';
  /** The file, without its harmless faults. */
  bytes: Uint8Array;
  /** The harmless faults, in words that contain nothing of the file. */
  notes: string[];
  /** Size as stored, before orientation, in pixels. */
  width: number;
  height: number;
  samples: Samples;
  /** Whether there may be an alpha channel or a transparent color. */
  hasAlpha: boolean;
  /** Whether there is EXIF data, which may contain an orientation. */
  hasExif: boolean;
  /** A small PNG that is decoded without libvips. */
  plain?: PlainPng;
  /** Whether the decoder keeps the whole image in memory until its first row is complete. */
  isWhole: boolean;
}

/** How a pixel is stored, without alpha. Palettes are `rgb`. */
export interface Samples {
  space: 'gray' | 'rgb' | 'cmyk';
  bits: 8 | 16;
}
