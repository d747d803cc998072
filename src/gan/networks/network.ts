/** What a network family provides: the state of its networks, and pure functions that apply them. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { NetworkConfig } from '../config.js';
import type { ParameterSpecs } from './parameters.js';

/** Tensors by the names that the specifications give them, without the network's own prefix (`G.`, `D.`, `G_ema.`). */
export type Parameters = Readonly<Record<string, Tensor>>;

/**
 * Where the noise inputs come from: `const` takes the noise kept with the weights, so that an image depends on z alone; a
 * function gives fresh standard normal noise of shape [n, h, w, 1] for a layer, numbered from 0.
 */
export type NoiseSource = 'const' | ((layer: number, shape: [number, number, number, 1]) => Tensor4D);

/** Running means of activations, while training. */
export interface Tracking {
  /** What a mean keeps of itself at a step, 0...1. */
  magnitudeDecay: number;
  /** New values of buffers, by name; synthesis adds them. */
  updated: Record<string, Tensor>;
}

/** Images are [n, h, w, channels] float32 in -1...1; labels one-hot [n, classes], or null when the networks are unconditional. */
export interface Network {
  generatorSpecs(config: NetworkConfig): ParameterSpecs;
  discriminatorSpecs(config: NetworkConfig): ParameterSpecs;
  /** Buffers of the generator that training updates; all else of them never changes. */
  runningMeans(config: NetworkConfig): string[];
  /** How many w an image takes: one a style layer. */
  styles(config: NetworkConfig): number;
  /** z [n, zDim] -> w [n, wDim], without truncation. */
  mapping(config: NetworkConfig, generator: Parameters, z: Tensor2D, labels: Tensor2D | null): Tensor2D;
  /** One w [n, wDim] a style layer -> images. With `tracking`, running means first take in what these images make. */
  synthesis(
    config: NetworkConfig,
    generator: Parameters,
    ws: readonly Tensor2D[],
    noise: NoiseSource,
    tracking?: Tracking | null,
  ): Tensor4D;
  /**
   * Images -> logits [n, 1], higher for real ones.
   *
   * @param minibatches how many minibatches, of equal size and one after the other, the images are; they share the convolutions,
   *   but what is measured over a minibatch is measured of each by itself
   */
  discriminator(
    config: NetworkConfig,
    discriminator: Parameters,
    images: Tensor4D,
    labels: Tensor2D | null,
    minibatches: number,
  ): Tensor2D;
}

/** The tensors whose names begin with a prefix, under their names without it. */
export function withoutPrefix(tensors: Parameters, prefix: string): Parameters {
  const own: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name.startsWith(prefix)) own[name.slice(prefix.length)] = tensor;
  }
  return own;
}

/** A tensor by name. @throws RangeError when there is none: the parameters are of another configuration. */
export function take<T extends Tensor>(parameters: Parameters, name: string): T {
  const tensor = parameters[name];
  if (!tensor) throw new RangeError(`no parameter named ${name}`);
  return tensor as T;
}
