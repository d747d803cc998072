/** Creating a program: variables on the device, and the phases that read and update them. */
import { createEagerProgram } from './eager.js';
import { createGraphProgram, type KeptGraph } from './graph.js';
import { type Program, type ProgramDefinition, sizeOf, type VariableSpec } from './definition.js';

export type * from './definition.js';

/**
 * `graph`: every phase is recorded from one eager run and becomes a signature of one TensorFlow
 * graph; `eager`: op by op. Both compute the same numbers, except for rounding.
 *
 * @param kept where the graph is kept for later programs of the same definition
 */
export async function createProgram(
  definition: ProgramDefinition,
  { mode, kept }: { mode: 'graph' | 'eager'; kept?: KeptGraph },
): Promise<Program> {
  const variables = stateOf(definition);
  const program =
    mode === 'graph'
      ? await createGraphProgram(definition, variables, kept)
      : createEagerProgram(definition, variables);
  await program.restore(
    Object.fromEntries(Object.entries(variables).map(([name, spec]) => [name, initialVariable(spec)])),
  );
  return program;
}

/** The whole state of a program: its variables and those of its optimizers. */
export function stateOf(definition: ProgramDefinition): Record<string, VariableSpec> {
  return { ...definition.variables, ...optimizerVariables(definition) };
}

function optimizerVariables({ variables, optimizers = {} }: ProgramDefinition): Record<string, VariableSpec> {
  const state: Record<string, VariableSpec> = {};
  for (const [optimizer, { beta1, beta2, variables: names }] of Object.entries(optimizers)) {
    for (const name of names) {
      const { shape } = variables[name] ?? missing(name);
      for (const moment of ['m', 'v']) state[`adam.${optimizer}.${moment}.${name}`] = { shape, init: 0 };
    }
    state[`adam.${optimizer}.beta1Power`] = { shape: [], init: beta1 };
    state[`adam.${optimizer}.beta2Power`] = { shape: [], init: beta2 };
  }
  return state;
}

function missing(name: string): never {
  throw new RangeError(`no variable is named ${name}`);
}

/** The values of a variable before training. */
export function initialVariable({ shape, init }: VariableSpec): Float32Array {
  return typeof init === 'number' ? new Float32Array(sizeOf(shape)).fill(init) : init;
}
