/** Tests of half precision: it matches single precision within rounding. */
import '../../../support/one-thread.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs';
import { type NetworkFamily, resolveNetworkConfig } from '../../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { withFiniteGradients } from '../../../../src/gan/loss/finite-gradients.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { layerPrecision } from '../../../../src/gan/networks/shared/layer-precision.js';
import { normalValues } from '../../../../src/gan/networks/parameters.js';
import type { HalfType } from '../../../../src/nn/ops/half.js';
import {
  createProgram,
  type Feeds,
  type PhaseBody,
  type Program,
  type Values,
} from '../../../../src/nn/program/program.js';
import { sizeOf } from '../../../../src/nn/program/definition.js';
import { tf } from '../../../../src/nn/tensorflow.js';

function trainingOf(cfg: NetworkFamily, half: HalfType | null) {
  const sizes = { resolution: 16, channels: 1, classes: 0, zDim: 8, wDim: 8, mapDepth: 2 } as const;
  const config = resolveNetworkConfig({ cfg, ...sizes, cbase: 128, cmax: 8, half });
  const auto = { glr: 'auto', dlr: 'auto', emaKimg: 'auto' } as const;
  const options = resolveTrainingOptions(config, { batch: 4, gamma: 1, ...auto, seed: 1 });
  const { definition } = buildTrainingProgram(config, options);
  const phases = Object.keys(definition.phases);
  const step = async (program: Program, number: number): Promise<Values> => {
    const outputs: Values = {};
    for (const phase of phases) {
      const feeds = Object.entries(definition.phases[phase]?.feeds ?? {}).map(([name, { shape }]) => {
        if (name === 'seed') return [name, Int32Array.of(number, phases.indexOf(phase))] as const;
        if (name === 'beta') return [name, Float32Array.of(0.9)] as const;
        return [name, normalValues(sizeOf(shape), 0.5, number, 'real images')] as const;
      });
      Object.assign(outputs, await program.run(phase, Object.fromEntries(feeds) as Feeds));
    }
    return outputs;
  };
  return { definition, step };
}

async function train(cfg: NetworkFamily, half: HalfType | null, steps: number): Promise<[Values, Values]> {
  const { definition, step } = trainingOf(cfg, half);
  const program = await createProgram(definition, { mode: 'graph' });
  let outputs: Values = {};
  for (let number = 0; number < steps; number++) outputs = await step(program, number);
  const state = await program.read();
  program.dispose();
  return [outputs, state];
}

/** Norm of all differences, over the norm of all expected values. */
function distance(found: Values, expected: Values): number {
  let [differences, squares] = [0, 0];
  for (const [name, values] of Object.entries(expected))
    for (const [i, value] of values.entries()) {
      differences += ((found[name]?.[i] ?? Number.NaN) - value) ** 2;
      squares += value ** 2;
    }
  return Math.sqrt(differences / squares);
}

/** Magnitudes of the gradients of all phases of a first step: roots of Adam's second moments. */
function gradients(state: Values, network: 'G' | 'D'): Values {
  const moments = Object.entries(state).filter(([name]) => name.startsWith(`adam.${network}.v.`));
  return Object.fromEntries(moments.map(([name, values]) => [name, values.map(Math.sqrt)]));
}

/** Relative errors to which significands of 11 and 8 bits can add up over a few dozen layers. */
const TOLERANCE = {
  float16: { outputs: 0.01, gradients: 0.03 },
  bfloat16: { outputs: 0.05, gradients: 0.2 },
};
const CASES = { stylegan2: ['float16', 'bfloat16'], 'stylegan3-t': ['float16'] } as const;

for (const [family, halves] of Object.entries(CASES)) {
  const cfg = family as NetworkFamily;
  test(`a step of ${cfg} in ${halves.join(' or ')} gives nearly the losses and gradients of single precision`, async () => {
    const [outputs, state] = await train(cfg, null, 1);
    for (const half of halves) {
      const [found, foundState] = await train(cfg, half, 1);
      const tolerance = TOLERANCE[half];
      for (const [name, values] of Object.entries(outputs)) {
        const error = distance({ [name]: found[name] as Float32Array }, { [name]: values });
        assert.ok(error <= tolerance.outputs, `${half}: ${name} is off by ${error}`);
      }
      for (const network of ['G', 'D'] as const) {
        const error = distance(gradients(foundState, network), gradients(state, network));
        assert.ok(error <= tolerance.gradients, `${half}: gradients of ${network} are off by ${error}`);
        assert.ok(error > 0, `${half}: nothing was rounded`);
      }
    }
  });
}

test('steps in half precision stay finite, and the trained weights are in single precision', async () => {
  const [outputs, state] = await train('stylegan2', 'float16', 4);
  for (const [name, values] of Object.entries({ ...outputs, ...state }))
    assert.ok(values.every(Number.isFinite), name);
  // A half-precision number ends in 13 zeros in single precision.
  const weights = state['G.synthesis.b16.conv1.weight'] as Float32Array;
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  assert.ok(bits.some((word) => (word & 0x1fff) !== 0));
});

test('the four highest resolutions are in half precision, none of them below 8, and their features are kept within 256', () => {
  const at = (highest: number, half: HalfType | null) => {
    const config = { half, clamp: null, resolution: highest };
    return [4, 8, 16, 32, 64, 128, 256]
      .filter((resolution) => resolution <= highest)
      .map((resolution) => layerPrecision(config, resolution));
  };
  const single = { half: null, clamp: null };
  const half = { half: 'float16', clamp: 256 } as const;
  assert.deepEqual(at(256, 'float16'), [single, single, single, half, half, half, half]);
  assert.deepEqual(at(16, 'float16'), [single, half, half]);
  assert.deepEqual(at(32, null), [single, single, single, single]);
});

test('gradients that are not finite count as zero in half precision', async () => {
  const variables = { 'G.x': { shape: [2], init: 1 } };
  const body: PhaseBody = (own, { scale }) => ({
    outputs: {},
    gradients: { G: { 'G.x': tf.div(own['G.x'] as Tensor, scale as Tensor) } },
  });
  const phase = {
    feeds: { scale: { shape: [2], dtype: 'float32' as const } },
    body: withFiniteGradients(body),
  };
  const adam = { learningRate: 0.1, beta1: 0, beta2: 0.5, epsilon: 1e-8, variables: ['G.x'] };
  const program = await createProgram(
    { variables, optimizers: { G: adam }, phases: { phase } },
    { mode: 'graph' },
  );
  await program.run('phase', { scale: Float32Array.of(0, 2) });
  const { 'G.x': x, 'adam.G.v.G.x': moments } = await program.read();
  assert.deepEqual(x?.[0], 1);
  assert.deepEqual([...(moments ?? [])], [0, 0.125]);
  program.dispose();
});
