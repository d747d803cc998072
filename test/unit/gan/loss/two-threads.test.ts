/** Tests that a step on two threads, two operations at a time, is deterministic. */
import '../../../support/two-threads.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { normalValues } from '../../../../src/gan/networks/parameters.js';
import {
  createProgram,
  type Feeds,
  type Program,
  type ProgramDefinition,
  type Values,
} from '../../../../src/nn/program/program.js';
import { sizeOf } from '../../../../src/nn/program/definition.js';

const STEPS = 3;
const AGAIN = 4;

/** Wide and large enough for filter gradients to be products of matrices, at strides 1 and 2. */
function definitionOf(): ProgramDefinition {
  const sizes = { resolution: 32, channels: 1, classes: 0, zDim: 8, wDim: 8, mapDepth: 2 } as const;
  const config = resolveNetworkConfig({ cfg: 'stylegan2', ...sizes, cbase: 512, cmax: 16 });
  const auto = { glr: 'auto', dlr: 'auto', emaKimg: 'auto' } as const;
  const options = resolveTrainingOptions(config, { batch: 4, gamma: 1, ...auto, seed: 1 });
  return buildTrainingProgram(config, options).definition;
}

async function train(program: Program, { phases }: ProgramDefinition, from: Values): Promise<Values> {
  await program.restore(from);
  for (let step = 0; step < STEPS; step++) {
    for (const [phase, { feeds }] of Object.entries(phases)) {
      const fed = Object.entries(feeds).map(([name, { shape }]) => {
        if (name === 'seed') return [name, Int32Array.of(step, phase.length)] as const;
        if (name === 'beta') return [name, Float32Array.of(0.9)] as const;
        return [name, normalValues(sizeOf(shape), 0.5, step, name)] as const;
      });
      await program.run(phase, Object.fromEntries(fed) as Feeds);
    }
  }
  return program.read();
}

test('whichever operations run at the same time, a training ends with the same bytes', async () => {
  const definition = definitionOf();
  const program = await createProgram(definition, { mode: 'graph' });
  const initial = await program.read();
  const first = await train(program, definition, initial);
  assert.notDeepEqual(first, initial);
  for (let time = 0; time < AGAIN; time++) assert.deepEqual(await train(program, definition, initial), first);
  program.dispose();
});
