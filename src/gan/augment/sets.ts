/** Named sets of augmentations, with the strength of each transformation. */
import type { AugmentationSetName } from '../../spec/train.js';

/**
 * Transformations of Karras et al. 2020 (ADA), appendix B, in the order in which they are applied.
 */
export const TRANSFORMATIONS = [
  'xflip',
  'rotate90',
  'xint',
  'scale',
  'rotate',
  'aniso',
  'xfrac',
  'brightness',
  'contrast',
  'lumaflip',
  'hue',
  'saturation',
  'imgfilter',
  'noise',
  'cutout',
] as const;
export type Transformation = (typeof TRANSFORMATIONS)[number];

/**
 * Transformations that can be applied to an image, each with probability p, and their strengths:
 *
 * - `xflip`, `rotate90`, `lumaflip`: 1 (they have no strength)
 * - `xint`: largest translation by whole pixels, as a fraction of the side
 * - `scale`, `aniso`, `contrast`, `saturation`, `imgfilter`: standard deviation of the base-2
 *   logarithm of a factor
 * - `rotate`, `hue`: largest angle, as a fraction of 180 degrees
 * - `xfrac`: standard deviation of a translation, as a fraction of the side
 * - `brightness`: standard deviation of the offset, in units of a range of -1...1
 * - `noise`: scale of the half-normal distribution that the noise's standard deviation is drawn
 *   from, in the same units
 * - `cutout`: side of the square set to 0, as a fraction of the image's side
 */
export type AugmentationSet = Readonly<Partial<Record<Transformation, number>>>;

const blit = { xflip: 1, rotate90: 1, xint: 0.125 };
const geom = { scale: 0.2, rotate: 1, aniso: 0.2, xfrac: 0.125 };
const color = { brightness: 0.2, contrast: 0.5, lumaflip: 1, hue: 1, saturation: 1 };
const filter = { imgfilter: 1 };
const noise = { noise: 0.1 };
const cutout = { cutout: 0.5 };
const bgc = { ...blit, ...geom, ...color };

/**
 * Sets by name. Strengths are those of appendix B, except for the set `medical`: it keeps left and
 * right and up and down, changes anatomy no more than positioning does, and never adds color to
 * gray.
 */
export const AUGMENTATION_SETS = {
  blit,
  geom,
  color,
  filter,
  noise,
  cutout,
  bg: { ...blit, ...geom },
  bgc,
  bgcf: { ...bgc, ...filter },
  bgcfn: { ...bgc, ...filter, ...noise },
  bgcfnc: { ...bgc, ...filter, ...noise, ...cutout },
  medical: { xint: 0.05, scale: 0.1, rotate: 10 / 180, xfrac: 0.05, brightness: 0.1, contrast: 0.25 },
} as const satisfies Record<AugmentationSetName, AugmentationSet>;

/** `medical` for gray images, the paper's `bgc` for RGB. */
export function defaultSet(channels: 1 | 3): AugmentationSetName {
  return channels === 1 ? 'medical' : 'bgc';
}
