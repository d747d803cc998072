/** Tests of a training as a program. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { buildGeneratorProgram } from '../../../../src/gan/loss/generator-program.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { normalValues } from '../../../../src/gan/networks/parameters.js';
import {
  createProgram,
  type Feeds,
  type Program,
  stateOf,
  type Values,
} from '../../../../src/nn/program/program.js';

const BATCH = 4;
const config = resolveNetworkConfig({
  cfg: 'stylegan2',
  resolution: 8,
  channels: 1,
  classes: 3,
  zDim: 8,
  wDim: 8,
  mapDepth: 2,
  cbase: 64,
  cmax: 8,
});
const options = resolveTrainingOptions(config, {
  batch: BATCH,
  gamma: 1,
  glr: 'auto',
  dlr: 'auto',
  emaKimg: 'auto',
  seed: 1,
});
const { definition, schedule } = buildTrainingProgram(config, options);
const PHASES = schedule.map(({ phase }) => phase);

/** Feeds of a phase at a step. */
function feeds(phase: string, step: number): Feeds {
  const fed: Feeds = {};
  for (const [name, { shape }] of Object.entries(definition.phases[phase]?.feeds ?? {})) {
    const size = shape.reduce((product, side) => product * side, 1);
    if (name === 'seed') fed[name] = Int32Array.of(step, PHASES.indexOf(phase));
    else if (name === 'beta') fed[name] = Float32Array.of(0.9);
    else if (name === 'labels')
      fed[name] = Float32Array.from({ length: size }, (_, i) => (i % 4 === 0 ? 1 : 0));
    else fed[name] = normalValues(size, 0.5, step, 'real images');
  }
  return fed;
}

async function train(program: Program, from: number, to: number): Promise<Values> {
  const outputs: Values = {};
  for (let step = from; step < to; step++) {
    for (const phase of PHASES) Object.assign(outputs, await program.run(phase, feeds(phase, step)));
  }
  return outputs;
}

function assertClose(found: Values, expected: Values, tolerance: number): void {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    values.forEach((value, i) => {
      const error = Math.abs((found[name]?.[i] ?? Number.NaN) - value) / largest;
      assert.ok(error <= tolerance, `${name}[${i}] differs by ${error}`);
    });
  }
}

let graph: Program;
let eager: Program;
before(async () => {
  graph = await createProgram(definition, { mode: 'graph' });
  eager = await createProgram(definition, { mode: 'eager' });
});
after(() => {
  graph.dispose();
  eager.dispose();
});

test('graph steps give the losses, the scores and the whole state of eager steps', async () => {
  for (let step = 0; step < 4; step++) {
    const [found, expected] = [await train(graph, step, step + 1), await train(eager, step, step + 1)];
    assertClose(found, expected, 2e-4);
  }
  const [found, expected] = [await graph.read(), await eager.read()];
  assert.deepEqual(Object.keys(found).sort(), Object.keys(stateOf(definition)).sort());
  assertClose(found, expected, 2e-4);
});

test('every phase outputs one value for each image', async () => {
  const outputs = await train(eager, 0, 1);
  const half = ['Loss/pl_penalty'];
  const whole = [
    'Loss/G/loss',
    'Loss/D/loss',
    'Loss/scores/fake',
    'Loss/scores/real',
    'Loss/signs/fake',
    'Loss/signs/real',
    'Loss/r1_penalty',
  ];
  assert.deepEqual(Object.keys(outputs).sort(), [...half, ...whole].sort());
  for (const name of whole) assert.equal(outputs[name]?.length, BATCH);
  for (const name of half) assert.equal(outputs[name]?.length, BATCH / options.plBatchShrink);
});

test('equal seeds give equal steps, different seeds different ones', async () => {
  const program = await createProgram(definition, { mode: 'graph' });
  const start = await program.read();
  const run = async (seed: number) => {
    await program.restore(start);
    await program.run('generatorMain', { ...feeds('generatorMain', 0), seed: Int32Array.of(seed, 0) });
    return program.read(['G.synthesis.b8.conv1.weight']);
  };
  const first = await run(5);
  assert.deepEqual(await run(5), first);
  assert.notDeepEqual(await run(6), first);
  program.dispose();
});

test('phases of one network do not change the other', async () => {
  const program = await createProgram(definition, { mode: 'graph' });
  const changed = async (phase: string) => {
    const before = await program.read();
    await program.run(phase, feeds(phase, 0));
    const after = await program.read();
    const names = Object.keys(after).filter(
      (name) => Buffer.compare(bytes(before[name]), bytes(after[name])) !== 0,
    );
    return new Set(
      names
        .filter((name) => !name.startsWith('adam.'))
        .map((name) =>
          name
            .split('.')
            .slice(0, name.endsWith('w_avg') ? 3 : 1)
            .join('.'),
        ),
    );
  };
  assert.deepEqual(await changed('generatorMain'), new Set(['G']));
  assert.deepEqual(await changed('generatorPathLength'), new Set(['G', 'pl_mean']));
  assert.deepEqual(await changed('discriminatorMain'), new Set(['D', 'G.mapping.w_avg']));
  assert.deepEqual(await changed('discriminatorR1'), new Set(['D']));
  assert.deepEqual(await changed('ema'), new Set(['G_ema', 'G_ema.mapping.w_avg']));
  program.dispose();
});

function bytes(values: Float32Array | undefined): Uint8Array {
  assert.ok(values);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

test('with decay 0 the average equals the generator; with 1 it does not change', async () => {
  await train(graph, 0, 1);
  const name = 'synthesis.b4.conv1.weight';
  const before = await graph.read([`G_ema.${name}`]);
  await graph.run('ema', { beta: Float32Array.of(1) });
  assertClose(await graph.read([`G_ema.${name}`]), before, 1e-6);
  await graph.run('ema', { beta: Float32Array.of(0) });
  const { [`G.${name}`]: trained, [`G_ema.${name}`]: average } = await graph.read();
  assert.deepEqual(average, trained);
});

test('lazy regularization lowers the learning rate and decays of its optimizer', () => {
  const { G, D } = definition.optimizers ?? {};
  assert.ok(G && D);
  assert.equal(G.learningRate, 0.002 * (4 / 5));
  assert.equal(D.learningRate, 0.002 * (16 / 17));
  assert.equal(D.beta2, 0.99 ** (16 / 17));
  assert.equal(G.beta1, 0);
});

test('the generator program uses the averaged weights; with truncation 0 all images are equal', async () => {
  const generator = buildGeneratorProgram(config, BATCH);
  const program = await createProgram(generator, { mode: 'graph' });
  const state = await graph.read();
  await program.restore(
    Object.fromEntries(Object.keys(generator.variables).map((name) => [name, state[name] as Float32Array])),
  );
  const z = normalValues(BATCH * config.zDim, 1, 3, 'z');
  const labels = Float32Array.from({ length: BATCH * config.classes }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const draw = async (psi: number) =>
    (await program.run('generate', { z, labels, psi: Float32Array.of(psi) })).images as Float32Array;
  const [varied, alike] = [await draw(1), await draw(0)];
  const size = config.resolution ** 2;
  assert.equal(varied.length, BATCH * size);
  assert.notDeepEqual(varied.slice(0, size), varied.slice(size, 2 * size));
  assertClose({ second: alike.slice(size, 2 * size) }, { second: alike.slice(0, size) }, 1e-5);
  program.dispose();
});
