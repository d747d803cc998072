/** A step on two threads, two operations at a time, computes the same bytes whenever each of them runs. */
process.env.TF_NUM_INTRAOP_THREADS = '2';
process.env.TF_NUM_INTEROP_THREADS = '2';
process.env.OMP_NUM_THREADS = '2';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feeds, Program, ProgramDefinition, Values } from '../../../../src/nn/program.js';

const { resolveNetworkConfig } = await import('../../../../src/gan/config.js');
const { resolveTrainingOptions } = await import('../../../../src/gan/loss/options.js');
const { buildTrainingProgram } = await import('../../../../src/gan/loss/training-program.js');
const { normalValues } = await import('../../../../src/gan/networks/parameters.js');
const { createProgram } = await import('../../../../src/nn/program.js');
const { sizeOf } = await import('../../../../src/nn/program-definition.js');

const STEPS = 3;
const AGAIN = 4;

/** Wide and large enough for filter gradients to be products of matrices, at strides 1 and 2. */
function definitionOf(): ProgramDefinition {
  const sizes = { resolution: 32, channels: 1, classes: 0, zDim: 8, wDim: 8, mapDepth: 2 } as const;
  const config = resolveNetworkConfig({ cfg: 'stylegan2', ...sizes, cbase: 512, cmax: 16 });
  const auto = { glr: 'auto', dlr: 'auto', emaKimg: 'auto' } as const;
  return buildTrainingProgram(
    config,
    resolveTrainingOptions(config, { batch: 4, gamma: 1, ...auto, seed: 1 }),
  );
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

test('whatever runs at the same time, a training ends with the same bytes', async () => {
  const definition = definitionOf();
  const program = await createProgram(definition, { mode: 'graph' });
  const beginning = await program.read();
  const first = await train(program, definition, beginning);
  assert.notDeepEqual(first, beginning);
  for (let time = 0; time < AGAIN; time++)
    assert.deepEqual(await train(program, definition, beginning), first);
  program.dispose();
});
