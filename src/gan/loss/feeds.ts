/** The feeds of a training's phases: name, meaning and shape of each. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { PhaseSpec } from '../../nn/program/program.js';
import type { Tensors } from '../networks/parameter-scope.js';
import type { PhaseContext } from './phase-context.js';

/**
 * Feeds of a phase of n images. Those marked as optional are absent where the configuration does
 * not need them.
 */
export interface FeedTensors {
  /**
   * int32 [2], different for every phase and step: all random numbers of the phase come from it.
   */
  seed: Tensor1D;
  /** Real images [n, h, w, c], in -1...1. */
  real: Tensor4D;
  /**
   * Optional: one-hot labels [n, classes], of the real images or for the generated ones. For
   * conditional networks.
   */
  labels: Tensor2D;
  /** Optional: probability [1] of each augmentation. */
  p: Tensor1D;
  /** Optional: blur [h, h] along an axis. */
  blur: Tensor2D;
  /**
   * Optional: int32 [n], the rows of the minibatch in this micro-batch. Absent where there is only
   * one.
   */
  rows: Tensor1D;
  /** Mean path length [1] over all micro-batches. */
  lengthMean: Tensor1D;
  /** Decay [1] of the weight average. */
  beta: Tensor1D;
}

export type FeedName = keyof FeedTensors;

/** Feeds with one row for each image of the minibatch. */
export const FEEDS_BY_IMAGE = ['real', 'labels', 'rows'] as const satisfies readonly FeedName[];

/**
 * Specifications of the named feeds of a phase of `images` images, without those that the
 * configuration does not need.
 */
export function feedSpecs(
  { config, options }: PhaseContext,
  images: number,
  names: readonly FeedName[],
): PhaseSpec['feeds'] {
  const { resolution, channels, classes } = config;
  const shapes: Record<FeedName, number[] | null> = {
    seed: [2],
    real: [images, resolution, resolution, channels],
    labels: classes > 0 ? [images, classes] : null,
    p: options.augmentation ? [1] : null,
    blur: options.blur ? [resolution, resolution] : null,
    rows: options.batchGpu < options.batch ? [images] : null,
    lengthMean: [1],
    beta: [1],
  };
  const specs: PhaseSpec['feeds'] = {};
  for (const name of names) {
    const shape = shapes[name];
    if (shape) specs[name] = { shape, dtype: name === 'seed' || name === 'rows' ? 'int32' : 'float32' };
  }
  return specs;
}

/** A feed, or null where the phase has none of this name. */
export function optionalFeed<Name extends FeedName>(feeds: Tensors, name: Name): FeedTensors[Name] | null {
  return (feeds[name] as FeedTensors[Name] | undefined) ?? null;
}

/** A feed. @throws RangeError where the phase has none of this name */
export function feed<Name extends FeedName>(feeds: Tensors, name: Name): FeedTensors[Name] {
  const tensor = optionalFeed(feeds, name);
  if (!tensor) throw new RangeError(`no feed named ${name}`);
  return tensor;
}
