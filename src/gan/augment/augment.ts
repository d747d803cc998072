/** Discriminator augmentation: all transformations of images before the discriminator sees them. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { drawBandGains, filterBands } from './bands.js';
import { blit, drawBlit, hasBlit } from './blit.js';
import { drawColor, hasColor, recolor } from './color.js';
import { addNoise, cutOut, drawCutout } from './corruption.js';
import { Draws } from './draws.js';
import { drawGeometry, hasGeometry, transform } from './geometry.js';
import type { AugmentationSet } from './sets.js';

/**
 * Augments images as Karras et al. 2020, "Training generative adversarial networks with limited
 * data", appendix B: pixel blitting, geometry, color, filtering, noise, cutout, each transformation
 * of the set with probability p and independently for every image. Differentiable twice with
 * respect to the images. With p = 0 the output equals the input, bit-exact.
 *
 * Unlike the paper, blitting copies pixels before the geometric transformations instead of being
 * resampled with them.
 *
 * @param images [n, side, side, 1 or 3], about -1...1
 * @param set the transformations and their strengths
 * @param p the probability, [1]
 * @param seed int32 [2]; equal seeds draw equal parameters
 */
export function augment(images: Tensor4D, set: AugmentationSet, p: Tensor, seed: Tensor): Tensor4D {
  const [n, side] = images.shape;
  const draws = new Draws(seed, n, tf.reshape(p, []));
  let result = images;
  if (hasBlit(set)) result = blit(result, drawBlit(set, draws, side));
  if (hasGeometry(set)) result = transform(result, drawGeometry(set, draws, side));
  if (hasColor(set)) result = recolor(result, drawColor(set, draws));
  if (set.imgfilter !== undefined) result = filterBands(result, drawBandGains(set.imgfilter, draws));
  if (set.noise !== undefined) result = addNoise(result, set.noise, draws);
  if (set.cutout !== undefined) result = cutOut(result, drawCutout(set.cutout, draws));
  return result;
}
