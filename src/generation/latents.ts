/** Latent vectors by seed. */
import { RandomStream } from '../core/random.js';

/** z of a seed: standard normal, a pure function of the seed alone. [zDim] */
export function latent(seed: number, zDim: number): Float32Array {
  const random = new RandomStream(seed, 'z');
  return Float32Array.from({ length: zDim }, () => random.normal());
}
