/** A minibatch worked off in rounds of fewer images at once, their gradients added up: `train.batchGpu`. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { PhaseBody, PhaseSpec, VariableSpec } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import { groupSize } from '../../spec/micro-batches.js';

/** Which images of the minibatch a round is of. */
export interface Share {
  /** int32 [images of the round] */
  rows: Tensor1D;
  /** Images of the whole minibatch. */
  total: number;
}

/**
 * The images of each round, in order. Image i is in group i mod (batch / group) of the discriminator's minibatch deviation; a round
 * has whole groups, in the same arrangement.
 */
export function roundsOf(batch: number, images: number): Int32Array[] {
  const group = groupSize(batch);
  const whole = images % group === 0;
  const [members, groups] = whole ? [group, images / group] : [1, images];
  const stride = batch / members;
  return Array.from({ length: batch / images }, (_, round) =>
    Int32Array.from(
      { length: images },
      (_, i) => Math.floor(i / groups) * stride + round * groups + (i % groups),
    ),
  );
}

/** Images a round of path lengths: they are fewer than the batch, and need not divide as it does. */
export function pathLengthRound(total: number, most: number): number {
  let images = Math.min(total, Math.max(1, most));
  while (total % images !== 0) images--;
  return images;
}

/** Rows of a tensor that is [total, ...]. */
export function shareOf<T extends Tensor>(whole: T, share: Share | null): T {
  return share ? (tf.gather(whole, share.rows) as T) : whole;
}

/** A seed that no other round has, for what is drawn for the round's images alone. */
export function roundSeed(seed: Tensor, share: Share | null): Tensor {
  if (!share) return seed;
  const first = tf.slice(share.rows, [0], [1]) as Tensor1D;
  return tf.add(seed, tf.mul(tf.concat([first, first]), tf.tensor1d([0, 7919], 'int32')));
}

/** Where the sum of a gradient, or of a value to be assigned, is kept between rounds. */
const sumOf = (name: string) => `sum.${name}`;

/** Whether a variable is of use within a step only, and so no part of a training's state. */
export function isSum(name: string): boolean {
  return name.startsWith('sum.');
}

export function sumVariables(
  variables: Record<string, VariableSpec>,
  names: readonly string[],
): Record<string, VariableSpec> {
  return Object.fromEntries(
    names.map((name) => [sumOf(name), { shape: variables[name]?.shape ?? [], init: 0 }]),
  );
}

/**
 * The phase for one round, and the phase `<name>.apply` that ends it: Adam takes the mean of the rounds' gradients, assigned
 * variables the mean of the rounds' values (all of them are linear in the images' own).
 *
 * @param optimizer that the phase has gradients for, and the parameters that it trains
 * @param assigned variables that the phase assigns
 */
export function inRounds(
  name: string,
  spec: PhaseSpec,
  rounds: number,
  [optimizer, trained]: readonly ['G' | 'D', readonly string[]],
  assigned: readonly string[] = [],
): Record<string, PhaseSpec> {
  const body: PhaseBody = (variables, feeds) => {
    const { outputs, assign = {}, gradients = {} } = spec.body(variables, feeds);
    const values = Object.entries({ ...gradients[optimizer], ...assign });
    const sums = values.map(([variable, value]) => {
      const sum = variables[sumOf(variable)] as Tensor;
      return [sumOf(variable), tf.add(sum, tf.mul(value, 1 / rounds))] as const;
    });
    return { outputs, assign: Object.fromEntries(sums) };
  };
  const apply: PhaseBody = (variables) => {
    const sums = (names: readonly string[]) =>
      Object.fromEntries(names.map((variable) => [variable, tf.clone(variables[sumOf(variable)] as Tensor)]));
    const zeros = [...trained, ...assigned].map((variable) => {
      const sum = variables[sumOf(variable)] as Tensor;
      return [sumOf(variable), tf.mul(sum, 0)] as const;
    });
    return {
      outputs: {},
      assign: { ...Object.fromEntries(zeros), ...sums(assigned) },
      gradients: { [optimizer]: sums(trained) },
    };
  };
  return { [name]: { feeds: spec.feeds, body }, [`${name}.apply`]: { feeds: {}, body: apply } };
}

/** Rows of host values: `values` is [total, ...]. */
export function rowsOf(values: Float32Array, total: number, rows: Int32Array): Float32Array {
  const length = values.length / total;
  const out = new Float32Array(rows.length * length);
  for (const [i, row] of rows.entries())
    out.set(values.subarray(row * length, (row + 1) * length), i * length);
  return out;
}

/** [2 * total, d], the first latents and then the second ones -> the same of the round's images. */
export function latentsOf(z: Tensor2D, share: Share | null): Tensor2D {
  if (!share) return z;
  const [first, second] = tf.split(z, 2) as [Tensor2D, Tensor2D];
  return tf.concat2d([shareOf(first, share), shareOf(second, share)], 0);
}
