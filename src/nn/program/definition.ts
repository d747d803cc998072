/** The definition of a program, and checks that its parts are consistent. */
import type { Tensor } from '@tensorflow/tfjs';
import { CheckpointError } from '../../core/errors.js';

/** A float32 variable; `init` is a value for each element, or one for all. */
export interface VariableSpec {
  shape: number[];
  init: Float32Array | number;
}

/**
 * Adam (Kingma and Ba 2015, in the form at the end of section 2). Its state is in variables too:
 * `adam.<optimizer>.m.<variable>`, `.v.<variable>`, `.beta1Power` and `.beta2Power`.
 */
export interface AdamOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  variables: string[];
}

export interface PhaseResult {
  /** Read back to the host. */
  outputs: Record<string, Tensor>;
  /** New values of variables. */
  assign?: Record<string, Tensor>;
  /** Gradients by optimizer and variable, applied after the whole phase is computed. */
  gradients?: Record<string, Record<string, Tensor>>;
}

/**
 * A pure function of ordinary eager code on tensors. It runs once to be recorded, or every time in
 * eager mode.
 */
export type PhaseBody = (variables: Record<string, Tensor>, feeds: Record<string, Tensor>) => PhaseResult;

export interface PhaseSpec {
  feeds: Record<string, { shape: number[]; dtype: 'float32' | 'int32' }>;
  body: PhaseBody;
}

export interface ProgramDefinition {
  variables: Record<string, VariableSpec>;
  optimizers?: Record<string, AdamOptions>;
  phases: Record<string, PhaseSpec>;
}

export type Values = Record<string, Float32Array>;
export type Feeds = Record<string, Float32Array | Int32Array>;

export interface Program {
  /** SHA-256 of the graph, in hexadecimal: equal graphs compute the same. Null in eager mode. */
  readonly graph: string | null;
  /**
   * Runs one phase and returns its outputs. @throws RangeError for a phase or feeds that are not
   * defined
   */
  run(phase: string, feeds: Feeds): Promise<Values>;
  /** Exact values of variables, optimizer state included; all of them by default. */
  read(names?: string[]): Promise<Values>;
  /**
   * Exact values of all variables. @throws CheckpointError for unknown, missing or wrong-sized ones
   */
  restore(values: Values): Promise<void>;
  dispose(): void;
}

/** Elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * @throws CheckpointError unless there is a value of the right size for every variable, and no
 * other.
 */
export function checkValues(variables: Record<string, VariableSpec>, values: Values): void {
  const refuse = (where: string, what: string): never => {
    throw new CheckpointError({
      what,
      where,
      hint: 'The state belongs to another configuration. Use the configuration that it was made with.',
    });
  };
  for (const name of Object.keys(values))
    if (!variables[name]) refuse(name, 'there is no such variable in this configuration');
  for (const [name, { shape }] of Object.entries(variables)) {
    const value = values[name];
    if (!value) refuse(name, 'is missing from the state');
    else if (value.length !== sizeOf(shape))
      refuse(name, `has ${value.length} values instead of ${sizeOf(shape)}`);
  }
}

/** @throws RangeError unless a phase of this name takes exactly these feeds. */
export function phaseOf({ phases }: ProgramDefinition, name: string, feeds: Feeds): PhaseSpec {
  const phase = phases[name];
  if (!phase) throw new RangeError(`no phase is named ${name}`);
  for (const feed of Object.keys(feeds))
    if (!phase.feeds[feed]) throw new RangeError(`phase ${name} takes no feed ${feed}`);
  for (const [feed, { shape }] of Object.entries(phase.feeds)) {
    if (feeds[feed]?.length !== sizeOf(shape)) {
      throw new RangeError(
        `feed ${feed} of phase ${name} needs ${sizeOf(shape)} values, received ${feeds[feed]?.length ?? 'none'}`,
      );
    }
  }
  return phase;
}

/** @throws RangeError when the program has no optimizer of this name. */
export function optimizerOf({ optimizers }: ProgramDefinition, name: string): AdamOptions {
  const optimizer = optimizers?.[name];
  if (!optimizer) throw new RangeError(`no optimizer is named ${name}`);
  return optimizer;
}
