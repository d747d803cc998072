/**
 * Styles of training images: mapped from random latents, with style mixing. Karras et al. 2019,
 * section 3.1.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { statelessNormal, statelessUniform } from '../../nn/ops/random.js';
import { tf } from '../../nn/tensorflow.js';
import type { NoiseSource } from '../networks/network.js';
import type { ParameterScope } from '../networks/parameter-scope.js';
import { networkOf } from '../networks/registry.js';
import { type MicroBatch, takeLatents, takeRows } from './micro-batches.js';
import type { PhaseContext } from './phase-context.js';

/** Random streams of a phase's seed, one for each use. */
const STREAM = { latents: 0, mixing: 1, pathNoise: 2, layerNoise: 16 } as const;

/**
 * Two random latents for each of `images` images, the second for style mixing: z [2 * images,
 * zDim], the first ones before the second ones. A micro-batch has the latents that its images have
 * in the whole minibatch.
 */
export function drawLatents(
  seed: Tensor,
  zDim: number,
  images: number,
  microBatch: MicroBatch | null,
): Tensor2D {
  const total = microBatch?.total ?? images;
  return takeLatents(statelessNormal(seed, STREAM.latents, [2 * total, zDim]) as Tensor2D, microBatch);
}

export interface Styles {
  /** [n, styles, wDim] */
  ws: Tensor3D;
  /** [n, wDim], before mixing. */
  w: Tensor2D;
}

/**
 * Styles of the latents z of {@link drawLatents} and labels [n, classes]. With probability
 * `styleMixing`, all images of the minibatch use their second latent from a random layer on, at
 * least the second.
 */
export function mixedStyles(
  { config, options }: PhaseContext,
  generator: ParameterScope,
  { z, labels, seed }: { z: Tensor2D; labels: Tensor2D | null; seed: Tensor },
): Styles {
  const network = networkOf(config);
  const layers = network.styles(config);
  // Both latents of an image pass through the mapping network in one call.
  const both = network.mapping(config, generator, {
    z,
    labels: labels && tf.concat2d([labels, labels], 0),
  });
  const [w, second] = tf.split(both, 2) as [Tensor2D, Tensor2D];
  const isFirst = tf.reshape(firstStyleMask(seed, layers, options.styleMixing), [1, layers, 1]);
  const ws = tf.add(
    tf.mul(tf.expandDims(w, 1), isFirst),
    tf.mul(tf.expandDims(second, 1), tf.sub(1, isFirst)),
  ) as Tensor3D;
  return { ws, w };
}

/** 1 for the layers before the cutoff, 0 for the others. [layers] */
function firstStyleMask(seed: Tensor, layers: number, mixing: number): Tensor {
  const [chance, position] = tf.unstack(statelessUniform(seed, STREAM.mixing, [2])) as [Tensor, Tensor];
  const mixes = tf.cast(tf.less(chance, mixing), 'float32');
  const cutoff = tf.add(1, tf.floor(tf.mul(position, layers - 1)));
  // Without mixing, the cutoff is after the last layer.
  const last = tf.add(tf.mul(mixes, cutoff), tf.mul(tf.sub(1, mixes), layers));
  return tf.clipByValue(tf.sub(last, tf.range(0, layers)), 0, 1);
}

/** The w of each layer. ws [n, styles, wDim] */
export function layerStyles(ws: Tensor3D): Tensor2D[] {
  return tf.unstack(ws, 1) as Tensor2D[];
}

/** Fresh noise for every layer and image. */
export function randomNoise(seed: Tensor, microBatch: MicroBatch | null): NoiseSource {
  return (layer, shape) => {
    const drawn = statelessNormal(seed, STREAM.layerNoise + layer, minibatchShape(shape, microBatch));
    return takeRows(drawn, microBatch) as ReturnType<Exclude<NoiseSource, 'const'>>;
  };
}

/** Noise that path lengths are measured along. Shape as the images. */
export function pathNoise(seed: Tensor, shape: readonly number[], microBatch: MicroBatch | null): Tensor {
  return takeRows(statelessNormal(seed, STREAM.pathNoise, minibatchShape(shape, microBatch)), microBatch);
}

/** The shape of the same tensor for all images of the minibatch. */
function minibatchShape(shape: readonly number[], microBatch: MicroBatch | null): readonly number[] {
  return microBatch ? [microBatch.total, ...shape.slice(1)] : shape;
}
