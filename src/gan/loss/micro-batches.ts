/** Micro-batches: the parts of a minibatch, computed one after the other. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { groupSize } from '../../spec/micro-batches.js';

/** A micro-batch: `train.batchGpu` images of a minibatch. */
export interface MicroBatch {
  /** int32 [images of the micro-batch]: their indices in the minibatch. */
  rows: Tensor1D;
  /** Images of the whole minibatch. */
  total: number;
}

/**
 * The rows of each micro-batch of `images` images, in order. The discriminator computes the
 * standard deviation within groups of a minibatch: image i is in group i mod (batch / group size).
 * A micro-batch contains whole groups in the same order.
 */
export function microBatchRows(batch: number, images: number): Int32Array[] {
  const group = groupSize(batch);
  const hasWholeGroups = images % group === 0;
  const [members, groups] = hasWholeGroups ? [group, images / group] : [1, images];
  const stride = batch / members;
  return Array.from({ length: batch / images }, (_, index) =>
    Int32Array.from(
      { length: images },
      (_, i) => Math.floor(i / groups) * stride + index * groups + (i % groups),
    ),
  );
}

/**
 * Rows of a tensor whose first axis is the minibatch: [total, ...] -> [images of the micro-batch,
 * ...].
 */
export function takeRows<T extends Tensor>(minibatch: T, microBatch: MicroBatch | null): T {
  return microBatch ? (tf.gather(minibatch, microBatch.rows) as T) : minibatch;
}

/**
 * Two latents for each image, z [2 * total, zDim] -> the two of each image of the micro-batch. The
 * first ones come first.
 */
export function takeLatents(z: Tensor2D, microBatch: MicroBatch | null): Tensor2D {
  if (!microBatch) return z;
  const [first, second] = tf.split(z, 2) as [Tensor2D, Tensor2D];
  return tf.concat2d([takeRows(first, microBatch), takeRows(second, microBatch)], 0);
}

/**
 * The seed of a micro-batch, for random numbers that are drawn for its images only. int32 [2]
 */
export function microBatchSeed(seed: Tensor, microBatch: MicroBatch | null): Tensor {
  if (!microBatch) return seed;
  const first = tf.slice(microBatch.rows, [0], [1]) as Tensor1D;
  return tf.add(seed, tf.mul(tf.concat([first, first]), tf.tensor1d([0, 7919], 'int32')));
}

/** {@link takeRows} on the host: `values` is [total, ...]. */
export function takeHostRows<T extends Float32Array | Int32Array>(
  values: T,
  total: number,
  rows: Int32Array,
): T {
  const length = values.length / total;
  const taken = values.slice(0, rows.length * length) as T;
  for (const [i, row] of rows.entries())
    taken.set(values.subarray(row * length, (row + 1) * length), i * length);
  return taken;
}
