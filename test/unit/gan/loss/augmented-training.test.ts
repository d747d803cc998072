/** Tests of a training program whose discriminator sees augmented images. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resolveAugmentation } from '../../../../src/gan/augment/options.js';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { normalValues } from '../../../../src/gan/networks/parameters.js';
import { createProgram, type Feeds, type Program, type Values } from '../../../../src/nn/program/program.js';

const BATCH = 4;
const config = resolveNetworkConfig({
  cfg: 'stylegan2',
  resolution: 8,
  channels: 3,
  classes: 0,
  zDim: 8,
  wDim: 8,
  mapDepth: 2,
  cbase: 64,
  cmax: 8,
});
const settings = {
  batch: BATCH,
  gamma: 1,
  glr: 'auto',
  dlr: 'auto',
  emaKimg: 'auto',
  seed: 1,
} as const;
const augmentation = resolveAugmentation(3, {
  aug: 'ada',
  augPipe: 'bgcfnc',
  target: 0.6,
  p: 0,
  adaKimg: 500,
});
const { definition } = buildTrainingProgram(config, resolveTrainingOptions(config, settings, augmentation));
const { definition: plain } = buildTrainingProgram(config, resolveTrainingOptions(config, settings));
const PHASES = ['generatorMain', 'discriminatorMain', 'discriminatorR1'];

/** The feeds that a phase of either definition declares. */
function feeds(phase: string, p: number, of = definition): Feeds {
  const { seed, real, ...rest } = of.phases[phase]?.feeds ?? {};
  const fed: Feeds = {};
  if (seed) fed.seed = Int32Array.of(1, PHASES.indexOf(phase));
  if (real) fed.real = normalValues(BATCH * 8 * 8 * 3, 0.5, 1, 'real images');
  if (rest.p) fed.p = Float32Array.of(p);
  return fed;
}

/** Losses, and squared gradients of one step of each phase. */
async function step(program: Program, start: Values, p: number, of = definition): Promise<Values> {
  await program.restore(start);
  const results: Values = {};
  for (const phase of PHASES) Object.assign(results, await program.run(phase, feeds(phase, p, of)));
  const moments = Object.keys(start).filter((name) => name.includes('.v.'));
  return { ...results, ...(await program.read(moments)) };
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
let start: Values;
before(async () => {
  graph = await createProgram(definition, { mode: 'graph' });
  start = await graph.read();
});
after(() => graph.dispose());

test('a compiled step with augmentation gives the losses and gradients of an eager one, including the gradient penalty', async () => {
  const eager = await createProgram(definition, { mode: 'eager' });
  assertClose(await step(graph, start, 0.7), await step(eager, start, 0.7), 1e-3);
  eager.dispose();
});

test('the same step repeated gives the same bytes', async () => {
  assert.deepEqual(await step(graph, start, 0.7), await step(graph, start, 0.7));
});

test('at strength 0 training equals training without augmentation; at another strength it does not', async () => {
  const unaugmented = await createProgram(plain, { mode: 'graph' });
  const expected = await step(unaugmented, start, 0, plain);
  unaugmented.dispose();
  assertClose(await step(graph, start, 0), expected, 1e-4);
  const augmented = await step(graph, start, 0.7);
  for (const loss of ['Loss/G/loss', 'Loss/D/loss', 'Loss/r1_penalty'])
    assert.notDeepEqual(augmented[loss], expected[loss]);
});

test('without augmentation no phase has the feed of its strength', () => {
  for (const { feeds } of Object.values(plain.phases)) assert.equal(feeds.p, undefined);
  assert.deepEqual(Object.keys(plain.phases.discriminatorR1?.feeds ?? {}), ['real']);
});
