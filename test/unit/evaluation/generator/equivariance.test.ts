/** Metrics of a generator, on toy networks with initial weights. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { equivariance } from '../../../../src/evaluation/generator/equivariance.js';
import { pathLength } from '../../../../src/evaluation/generator/path-length.js';
import { resampled } from '../../../../src/evaluation/generator/resample.js';
import { type NetworkFamily, resolveNetworkConfig } from '../../../../src/gan/config.js';
import { initialValues } from '../../../../src/gan/networks/parameters.js';
import { networkOf } from '../../../../src/gan/networks/registry.js';
import { GeneratorProbe, IDENTITY } from '../../../../src/generation/index.js';

const quiet = () => undefined;

function toyProbe(cfg: NetworkFamily): Promise<GeneratorProbe> {
  const config = resolveNetworkConfig({
    cfg,
    resolution: 32,
    channels: 1,
    classes: 0,
    zDim: 16,
    wDim: 16,
    mapDepth: 2,
    cbase: 512,
    cmax: 16,
  });
  const specs = Object.entries(networkOf(config).generatorSpecs(config));
  const variables = Object.fromEntries(
    specs.map(([name, spec]) => {
      const initial = initialValues(spec, 5, name);
      const size = spec.shape.reduce((product, length) => product * length, 1);
      const values = typeof initial === 'number' ? new Float32Array(size).fill(initial) : initial;
      return [`G_ema.${name}`, values] as const;
    }),
  );
  return GeneratorProbe.of(config, variables, null);
}

test('images follow the moved input of an alias-free generator, and any other motion is told', async () => {
  const probe = await toyProbe('stylegan3-t');
  try {
    const whole = await equivariance(probe, 'int', 8, quiet);
    const parts = await equivariance(probe, 'frac', 8, quiet);
    const turned = await equivariance(probe, 'rotation', 8, quiet);
    assert.ok(whole.value > 40, `EQ-T ${whole.value}`);
    assert.ok(parts.value > 25, `EQ-T_frac ${parts.value}`);
    assert.ok(turned.value < whole.value - 10, `EQ-R ${turned.value}`);
    for (const { value, interval } of [whole, parts, turned])
      assert.ok(interval.low <= value && value <= interval.high);
    assert.ok(whole.strip.length > 100);
    assert.deepEqual(await equivariance(probe, 'int', 8, quiet), whole);
    const rotating = await toyProbe('stylegan3-r');
    const follows = await equivariance(rotating, 'rotation', 8, quiet);
    rotating.dispose();
    assert.ok(follows.value > turned.value + 20, `EQ-R ${follows.value} after ${turned.value}`);
  } finally {
    probe.dispose();
  }
});

test('paths of a generator have a length, also where no input can be moved', async () => {
  const probe = await toyProbe('stylegan2');
  try {
    assert.equal(probe.hasTransform, false);
    await assert.rejects(equivariance(probe, 'int', 4, quiet), RangeError);
    const means = async (images: readonly { pixels: ArrayLike<number> }[]) =>
      Float32Array.from(
        images,
        ({ pixels }) => Array.from(pixels).reduce((a, b) => a + b, 0) / pixels.length,
      );
    const { value, interval } = await pathLength(probe, means, 16, quiet);
    assert.ok(value > 0 && interval.low < value && value < interval.high, String(value));
    const constant = await pathLength(probe, async (images) => new Float32Array(images.length), 8, quiet);
    assert.equal(constant.value, 0);
  } finally {
    probe.dispose();
  }
});

describe('a moved image', () => {
  const side = 32;
  const wave = (shift: number) =>
    Float32Array.from({ length: side * side }, (_, i) => Math.sin(((i % side) + shift) * 0.4));
  const shape = { side, channels: 1 };

  test('by whole pixels has the same values at other places', () => {
    const { pixels, valid } = resampled(wave(0), shape, [1, 0, 3 / side, 0, 1, 0, 0, 0, 1]);
    for (let i = 0; i < pixels.length; i++) {
      assert.equal(valid[i], i % side < side - 3 ? 1 : 0);
      if (valid[i]) assert.equal(pixels[i], Math.fround(wave(0)[i + 3] as number));
    }
    assert.deepEqual(resampled(wave(0), shape, IDENTITY).pixels, wave(0));
  });

  test('by parts of pixels or turned is that of the continuous image', () => {
    const half = resampled(wave(0), shape, [1, 0, 2.5 / side, 0, 1, 0, 0, 0, 1]);
    const turned = resampled(wave(0), shape, [0, -1, 0, 1, 0, 0, 0, 0, 1]);
    for (let i = 0; i < side * side; i++) {
      if (half.valid[i])
        assert.ok(Math.abs((half.pixels[i] as number) - (wave(2.5)[i] as number)) < 0.02, String(i));
      const row = Math.floor(i / side);
      if (turned.valid[i])
        assert.ok(Math.abs((turned.pixels[i] as number) - (wave(0)[side - 1 - row] as number)) < 1e-6);
    }
  });
});
