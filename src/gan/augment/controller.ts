/** The controller of the strength of adaptive augmentation. */
import type { AugmentationOptions } from './options.js';

/** The state of the controller, which is part of a checkpoint. */
export interface AugmentationState {
  /** Probability of each transformation. */
  p: number;
  /**
   * Since the last update of the strength: images, and the sum of the signs of the discriminator's
   * output on them.
   */
  images: number;
  signs: number;
}

/** Steps between two updates of the strength. */
const INTERVAL = 4;

/** The state of a training before its first step. */
export function initialAugmentation(options: AugmentationOptions | null): AugmentationState {
  return { p: options?.aug === 'fixed' ? options.p : 0, images: 0, signs: 0 };
}

/**
 * The state after a step. Karras et al. 2020 (ADA), section 3: every four steps, p rises where the
 * mean sign of the discriminator's output on real images is above the target, and falls, but not
 * below 0, where it is below. At this rate it can rise from 0 to 1 in `adaKimg` thousand images.
 *
 * @param signs -1, 0 or 1 for each real image of the step's minibatch
 * @param step steps taken, this one included
 */
export function adapt(
  state: AugmentationState,
  options: AugmentationOptions | null,
  signs: Float32Array,
  step: number,
): AugmentationState {
  if (options?.aug !== 'ada') return state;
  const images = state.images + signs.length;
  const sum = signs.reduce((total, sign) => total + sign, state.signs);
  if (step % INTERVAL !== 0) return { p: state.p, images, signs: sum };
  const direction = Math.sign(sum / images - options.target);
  const change = (direction * signs.length * INTERVAL) / (options.adaKimg * 1000);
  return { p: Math.max(0, state.p + change), images: 0, signs: 0 };
}
