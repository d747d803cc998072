/** A network family: the parameters of its networks, and pure functions that apply them. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { NetworkConfig } from '../config.js';
import type { ParameterScope } from './parameter-scope.js';
import type { ParameterSpecs } from './parameters.js';

/**
 * Where the noise inputs come from: `const` is the noise stored with the weights, so that an image
 * depends on z only; a function returns fresh standard normal noise of shape [n, h, w, 1] for a
 * layer, numbered from 0.
 */
export type NoiseSource = 'const' | ((layer: number, shape: [number, number, number, 1]) => Tensor4D);

/** Running means of activations, while training. */
export interface Tracking {
  /** Decay of a mean per step, 0...1. */
  magnitudeDecay: number;
  /** New values of buffers, by their full names; synthesis adds them. */
  updated: Record<string, Tensor>;
}

export interface MappingInputs {
  /** [n, zDim] */
  z: Tensor2D;
  /** One-hot [n, classes]; null when the networks are unconditional. */
  labels: Tensor2D | null;
}

export interface SynthesisInputs {
  /** One w [n, wDim] for each style layer. */
  ws: readonly Tensor2D[];
  noise: NoiseSource;
  /** Updates the running means with these images first. Default: no update. */
  tracking?: Tracking | null;
}

export interface DiscriminatorInputs {
  /** [n, h, w, channels] in -1...1 */
  images: Tensor4D;
  /** One-hot [n, classes]; null when the networks are unconditional. */
  labels: Tensor2D | null;
  /**
   * Number of concatenated minibatches of equal size. They share the convolutions; statistics of a
   * minibatch are computed for each. Default: 1.
   */
  minibatches?: number;
}

export interface Network {
  generatorSpecs(config: NetworkConfig): ParameterSpecs;
  discriminatorSpecs(config: NetworkConfig): ParameterSpecs;
  /** Buffers of the generator that training updates; its other buffers never change. */
  runningMeans(config: NetworkConfig): string[];
  /** Number of w of an image: one for each style layer. */
  styles(config: NetworkConfig): number;
  /** -> w [n, wDim], without truncation. */
  mapping(config: NetworkConfig, generator: ParameterScope, inputs: MappingInputs): Tensor2D;
  /** -> images [n, h, w, channels], float32 in about -1...1 */
  synthesis(config: NetworkConfig, generator: ParameterScope, inputs: SynthesisInputs): Tensor4D;
  /** -> logits [n, 1], higher for real images. */
  discriminator(config: NetworkConfig, discriminator: ParameterScope, inputs: DiscriminatorInputs): Tensor2D;
}
