/** Gradient accumulation: the mean of the gradients of a minibatch's micro-batches. */
import type { Tensor } from '@tensorflow/tfjs';
import type { PhaseBody, PhaseSpec, VariableSpec } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';

/** The variable that accumulates a gradient, or a value to be assigned, over the micro-batches. */
const sumOf = (variable: string) => `sum.${variable}`;

/** Whether a variable is only used within a step, and is therefore not part of the saved state. */
export function isSum(variable: string): boolean {
  return variable.startsWith('sum.');
}

/** One sum for each of these variables. */
export function sumVariables(
  variables: Record<string, VariableSpec>,
  names: readonly string[],
): Record<string, VariableSpec> {
  return Object.fromEntries(
    names.map((name) => [sumOf(name), { shape: variables[name]?.shape ?? [], init: 0 }]),
  );
}

/** The variables that a phase updates. */
export interface PhaseUpdates {
  /** The optimizer that the phase has gradients for. */
  optimizer: 'G' | 'D';
  /** The variables that it trains. */
  trained: readonly string[];
  /** Variables that the phase assigns. */
  assigned?: readonly string[];
}

/**
 * The phase for one of `count` micro-batches: it adds to the sums and updates nothing else.
 */
export function accumulate(
  { feeds, body }: PhaseSpec,
  count: number,
  { optimizer }: PhaseUpdates,
): PhaseSpec {
  const accumulating: PhaseBody = (variables, fed) => {
    const { outputs, assign = {}, gradients = {} } = body(variables, fed);
    const values = Object.entries({ ...gradients[optimizer], ...assign });
    const sums = values.map(([variable, value]) => {
      const sum = variables[sumOf(variable)] as Tensor;
      return [sumOf(variable), tf.add(sum, tf.mul(value, 1 / count))] as const;
    });
    return { outputs, assign: Object.fromEntries(sums) };
  };
  return { feeds, body: accumulating };
}

/**
 * The phase after the last micro-batch: it applies the mean gradients to the optimizer, assigns the
 * mean of the new values (which is exact, because they are linear in the values of the images), and
 * resets the sums to zero.
 */
export function applySums({ optimizer, trained, assigned = [] }: PhaseUpdates): PhaseSpec {
  const body: PhaseBody = (variables) => {
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
  return { feeds: {}, body };
}
