/** How a training augments, resolved from what a user says. */
import { officialAdaKimg } from '../../spec/official-trainer.js';
import type { AugmentationSetName } from '../../spec/train.js';
import { AUGMENTATION_SETS, type AugmentationSet, defaultSet } from './sets.js';

/** What a user may say. */
export interface AugmentationSettings {
  /** `ada`: as strongly as keeps the discriminator from overfitting; `fixed`: always as strongly. */
  aug: 'none' | 'ada' | 'fixed';
  /** `auto`: `medical` for gray images, `bgc` for RGB. */
  augPipe: AugmentationSetName | 'auto';
  /** Mean sign of the discriminator's output on real images that `ada` aims at. */
  target: number;
  /** Strength of `fixed`. */
  p: number;
  /** Thousands of images in which the strength of `ada` can rise from 0 to 1; `auto`: as StyleGAN3's trainer. */
  adaKimg: number | 'auto';
  /** What the training starts from; null: from nothing. */
  resume?: string | null;
}

/** Everything that a training and its controller need to know. */
export type AugmentationOptions = {
  /** What is done, strengths included: with other ones a training could not go on exactly. */
  readonly set: AugmentationSet;
} & (
  | { readonly aug: 'ada'; readonly target: number; readonly adaKimg: number }
  | { readonly aug: 'fixed'; readonly p: number }
);

/** null: no augmentation. */
export function resolveAugmentation(
  channels: 1 | 3,
  { aug, augPipe, target, p, adaKimg, resume = null }: AugmentationSettings,
): AugmentationOptions | null {
  const set = AUGMENTATION_SETS[augPipe === 'auto' ? defaultSet(channels) : augPipe];
  if (aug === 'ada')
    return { aug, set, target, adaKimg: adaKimg === 'auto' ? officialAdaKimg(resume) : adaKimg };
  return aug === 'fixed' ? { aug, set, p } : null;
}
