/** Latent vectors by seed. */
import { LegacyNormal } from './numpy-random.js';

/**
 * z of a seed, as in the official scripts: `RandomState(seed).randn(1, z_dim)` in single precision.
 * [zDim]
 *
 * @param seed integer in 0...2^32 - 1
 */
export function latent(seed: number, zDim: number): Float32Array {
  const random = new LegacyNormal(seed);
  return Float32Array.from({ length: zDim }, () => random.normal());
}
