/** Tests that a training leaks no tensors, in graph and in eager mode. */
import '../../../support/one-thread.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { createProgram, type Feeds, type Program } from '../../../../src/nn/program/program.js';
import { sizeOf } from '../../../../src/nn/program/definition.js';
import { nativeBackend, tf } from '../../../../src/nn/tensorflow.js';

const config = resolveNetworkConfig({
  cfg: 'stylegan2',
  resolution: 8,
  channels: 1,
  classes: 0,
  zDim: 8,
  wDim: 8,
  mapDepth: 1,
  cbase: 64,
  cmax: 8,
});
const options = resolveTrainingOptions(config, {
  batch: 2,
  gamma: 1,
  glr: 'auto',
  dlr: 'auto',
  emaKimg: 'auto',
  seed: 0,
});
const { definition, schedule } = buildTrainingProgram(config, options);

async function takeSteps(program: Program, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) {
    for (const { phase, interval } of schedule)
      if (step % interval === 0) await program.run(phase, feedsOf(phase, step));
  }
}

function feedsOf(phase: string, step: number): Feeds {
  const expected = Object.entries(definition.phases[phase]?.feeds ?? {});
  const values = expected.map(([name, { shape, dtype }]) => {
    const size = sizeOf(shape);
    return [name, dtype === 'int32' ? new Int32Array(size).fill(step) : new Float32Array(size).fill(0.5)];
  });
  return Object.fromEntries(values) as Feeds;
}

/** Tensors and data of the engine, and native handles of the backend. */
function held(): { tensors: number; data: number; handles: number } {
  const { numTensors, numDataBuffers } = tf.memory();
  return { tensors: numTensors, data: numDataBuffers, handles: nativeBackend().numDataIds() };
}

const CASES = [
  { mode: 'graph', steps: 2_000 },
  { mode: 'eager', steps: 36 },
] as const;
/** After these steps each phase has run. */
const WARM = 2;

for (const { mode, steps } of CASES) {
  test(`${steps} steps in mode ${mode} leave as many tensors as ${WARM} do`, async () => {
    const before = held();
    const program = await createProgram(definition, { mode });
    await takeSteps(program, 0, WARM);
    const warm = held();
    await takeSteps(program, WARM, steps / 2);
    assert.deepEqual(held(), warm, 'half-way');
    await takeSteps(program, steps / 2, steps);
    assert.deepEqual(held(), warm, 'at the end');
    program.dispose();
    assert.deepEqual(held(), before, 'after the program is gone');
  });
}
