/** Styles for training images: mapped from random latents, and mixed now and then. Karras et al. 2019, section 3.1. */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { statelessNormal, statelessUniform } from '../../nn/ops/random.js';
import { tf } from '../../nn/tensorflow.js';
import type { NetworkConfig } from '../config.js';
import type { NoiseSource, Parameters } from '../networks/network.js';
import { networkOf } from '../networks/registry.js';
import { latentsOf, type Share, shareOf } from './accumulation.js';

/** Streams of a phase's seed: every use of random numbers has its own. */
const STREAM = { latents: 0, mixing: 1, pathNoise: 2, layerNoise: 16 } as const;

export interface Styles {
  /** [n, styles, wDim] */
  ws: Tensor3D;
  /** [n, wDim], before mixing. */
  w: Tensor2D;
}

/**
 * Styles of `images` random images. With probability `mixing`, all images of the minibatch take a second latent from a random
 * layer on, at least the second.
 *
 * @param seed int32 [2]
 * @param labels [images, classes] one-hot, or null
 * @param share of a larger minibatch that the images are; they are the same as in one that is not shared out
 */
export function randomStyles(
  config: NetworkConfig,
  generator: Parameters,
  seed: Tensor,
  labels: Tensor2D | null,
  images: number,
  mixing: number,
  share: Share | null = null,
): Styles {
  const network = networkOf(config);
  const layers = network.styles(config);
  // Both latents go through the mapping network together.
  const drawn = statelessNormal(seed, STREAM.latents, [
    2 * (share?.total ?? images),
    config.zDim,
  ]) as Tensor2D;
  const z = latentsOf(drawn, share);
  const both = network.mapping(config, generator, z, labels && tf.concat2d([labels, labels], 0));
  const [w, other] = tf.split(both, 2) as [Tensor2D, Tensor2D];
  const isFirst = tf.reshape(firstStyleMask(seed, layers, mixing), [1, layers, 1]);
  const ws = tf.add(
    tf.mul(tf.expandDims(w, 1), isFirst),
    tf.mul(tf.expandDims(other, 1), tf.sub(1, isFirst)),
  ) as Tensor3D;
  return { ws, w };
}

/** 1 for the layers before the cutoff, 0 from it on. [layers] */
function firstStyleMask(seed: Tensor, layers: number, mixing: number): Tensor {
  const [chance, place] = tf.unstack(statelessUniform(seed, STREAM.mixing, [2])) as [Tensor, Tensor];
  const mixes = tf.cast(tf.less(chance, mixing), 'float32');
  const cutoff = tf.add(1, tf.floor(tf.mul(place, layers - 1)));
  // Without mixing the cutoff is behind the last layer.
  const last = tf.add(tf.mul(mixes, cutoff), tf.mul(tf.sub(1, mixes), layers));
  return tf.clipByValue(tf.sub(last, tf.range(0, layers)), 0, 1);
}

/** The w of each layer. ws [n, styles, wDim] */
export function layerStyles(ws: Tensor3D): Tensor2D[] {
  return tf.unstack(ws, 1) as Tensor2D[];
}

/** Fresh noise for every layer and image. */
export function randomNoise(seed: Tensor, share: Share | null = null): NoiseSource {
  return (layer, shape) => {
    const drawn = statelessNormal(seed, STREAM.layerNoise + layer, wholeOf(shape, share));
    return shareOf(drawn, share) as ReturnType<Exclude<NoiseSource, 'const'>>;
  };
}

/** Noise that path lengths are measured along. Shape as the images. */
export function pathNoise(seed: Tensor, shape: readonly number[], share: Share | null = null): Tensor {
  return shareOf(statelessNormal(seed, STREAM.pathNoise, wholeOf(shape, share)), share);
}

/** The shape for all images of the minibatch. */
function wholeOf(shape: readonly number[], share: Share | null): readonly number[] {
  return share ? [share.total, ...shape.slice(1)] : shape;
}
