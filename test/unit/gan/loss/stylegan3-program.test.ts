/** Tests of a StyleGAN3 training as a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NetworkFamily, resolveNetworkConfig } from '../../../../src/gan/config.js';
import { blurMatrix } from '../../../../src/gan/loss/blur.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { normalValues } from '../../../../src/gan/networks/parameters.js';
import { type DeviceForm, withDeviceForm } from '../../../../src/nn/ops/device-forms.js';
import { createProgram, type Feeds, type Values } from '../../../../src/nn/program/program.js';

const PHASES = ['generatorMain', 'discriminatorMain', 'discriminatorR1', 'ema'];

function programOf(cfg: NetworkFamily) {
  const config = resolveNetworkConfig({
    cfg,
    resolution: 16,
    channels: 1,
    classes: 2,
    zDim: 8,
    wDim: 8,
    mapDepth: 2,
    cbase: 64,
    cmax: 6,
  });
  const options = resolveTrainingOptions(config, {
    batch: 4,
    gamma: 1,
    glr: 'auto',
    dlr: 'auto',
    emaKimg: 'auto',
    seed: 1,
  });
  const { definition } = buildTrainingProgram(config, options);
  const feedsOf = (phase: string): Feeds =>
    Object.fromEntries(
      Object.entries(definition.phases[phase]?.feeds ?? {}).map(([name, { shape }]) => {
        const size = shape.reduce((product, side) => product * side, 1);
        if (name === 'seed') return [name, Int32Array.of(7, PHASES.indexOf(phase))];
        if (name === 'beta') return [name, Float32Array.of(0.9)];
        if (name === 'labels') return [name, Float32Array.from({ length: size }, (_, i) => i % 2)];
        if (name === 'blur') return [name, blurMatrix(16, { sigma: 2, fadeKimg: 1 }, 0)];
        return [name, normalValues(size, 0.5, 3, 'real images')];
      }),
    );
  const train = async (
    mode: 'graph' | 'eager',
    form: DeviceForm = 'cpu',
  ): Promise<{ outputs: Values; state: Values }> => {
    const phases = Object.entries(definition.phases).map(([name, { feeds, body }]) => {
      const formed: typeof body = (variables, fed) => withDeviceForm(form, () => body(variables, fed));
      return [name, { feeds, body: formed }] as const;
    });
    const program = await createProgram({ ...definition, phases: Object.fromEntries(phases) }, { mode });
    const outputs: Values = {};
    for (const phase of PHASES) Object.assign(outputs, await program.run(phase, feedsOf(phase)));
    const state = await program.read();
    program.dispose();
    return { outputs, state };
  };
  let compiled: ReturnType<typeof train> | undefined;
  /**
   * The results of the compiled step. It is compiled once, since that takes most of the time of
   * this file.
   */
  const trainCompiled = () => {
    compiled ??= train('graph');
    return compiled;
  };
  return { definition, options, train, trainCompiled };
}

function worstError(found: Values, expected: Values): number {
  let worst = 0;
  for (const [name, values] of Object.entries(expected)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    values.forEach((value, i) => {
      worst = Math.max(worst, Math.abs((found[name]?.[i] ?? Number.NaN) - value) / largest);
    });
  }
  return worst;
}

for (const cfg of ['stylegan3-t', 'stylegan3-r'] as const) {
  const { train, trainCompiled } = programOf(cfg);

  test(`a compiled step of ${cfg} gives the results of an eager one`, async () => {
    const [graph, eager] = [await trainCompiled(), await train('eager')];
    assert.ok(worstError(graph.outputs, eager.outputs) < 1e-4);
    // Second moments, after one step, are the squared gradients of every phase.
    const moments = (values: Values) =>
      Object.fromEntries(Object.entries(values).filter(([name]) => name.includes('.v.')));
    assert.ok(worstError(moments(graph.state), moments(eager.state)) < 5e-3);
  });

  test(`a compiled step of ${cfg} in the form for a GPU gives the results of the form for a CPU`, async () => {
    const [gpu, cpu] = [await train('graph', 'gpu'), await trainCompiled()];
    assert.ok(worstError(gpu.outputs, cpu.outputs) < 1e-4);
  });

  test(`${cfg} tracks the magnitude of every layer, and the averaged generator copies it`, async () => {
    const { state } = await trainCompiled();
    const magnitudes = Object.keys(state).filter((name) => /^G\..*magnitude_ema$/.test(name));
    assert.equal(magnitudes.length, 15);
    for (const name of magnitudes) {
      assert.notEqual(state[name]?.[0], 1, name);
      assert.deepEqual(state[name.replace(/^G\./, 'G_ema.')], state[name]);
    }
  });
}

test('StyleGAN3 trains without path lengths and style mixing; only -r starts with a blur', () => {
  const [t, r] = [programOf('stylegan3-t'), programOf('stylegan3-r')];
  assert.equal('generatorPathLength' in t.definition.phases, false);
  assert.equal(t.options.styleMixing, 0);
  assert.equal(t.options.blur, null);
  assert.deepEqual(r.options.blur, { sigma: 10, fadeKimg: 25 });
});

test('the blur fades to the identity, which changes no bit', () => {
  const faded = blurMatrix(8, { sigma: 10, fadeKimg: 1 }, 1000);
  faded.forEach((value, i) => {
    assert.equal(value, i % 9 === 0 ? 1 : 0);
  });
  const half = blurMatrix(64, { sigma: 2, fadeKimg: 1 }, 500);
  const row = half.subarray(32 * 64, 33 * 64);
  assert.ok(Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
  assert.ok(Math.abs((row[33] as number) / (row[32] as number) - 0.5) < 1e-6, '2^-(1 / 1)^2');
});
