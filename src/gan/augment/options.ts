/** Augmentation options of a training, resolved from settings. */
import { officialAdaKimg } from '../../spec/official-trainer.js';
import type { AugmentationSetName } from '../../spec/train.js';
import { AUGMENTATION_SETS, type AugmentationSet, defaultSet } from './sets.js';

/** Settings that a user can choose. */
export interface AugmentationSettings {
  /**
   * `ada`: a strength that adapts so that the discriminator does not overfit; `fixed`: a constant
   * strength.
   */
  aug: 'none' | 'ada' | 'fixed';
  /** `auto`: `medical` for gray images, `bgc` for RGB. */
  augPipe: AugmentationSetName | 'auto';
  /** Target of `ada` for the mean sign of the discriminator's output on real images. */
  target: number;
  /** Strength of `fixed`. */
  p: number;
  /**
   * Thousands of images in which the strength of `ada` can rise from 0 to 1; `auto`: as StyleGAN3's
   * trainer.
   */
  adaKimg: number | 'auto';
  /** Weights that the training starts from; null: random initial weights. */
  resume?: string | null;
}

/** Options of a training and its controller. */
export type AugmentationOptions = {
  /** The transformations with their strengths: exact resume needs the same ones. */
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
