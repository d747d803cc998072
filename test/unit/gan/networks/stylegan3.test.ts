/** Tests of StyleGAN3's layers and filters against the formulas of the paper. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { networkOf } from '../../../../src/gan/networks/registry.js';
import { radialLowPass, separableLowPass } from '../../../../src/gan/networks/stylegan3/lowpass.js';
import { layerPlans, signals } from '../../../../src/gan/networks/stylegan3/layer-plans.js';

const config = resolveNetworkConfig({
  cfg: 'stylegan3-t',
  resolution: 256,
  channels: 1,
  classes: 0,
  mapDepth: 2,
});

/** Magnitude of the response to a wave of this many cycles per sample. */
function response(taps: ArrayLike<number>, frequency: number): number {
  let [real, imaginary] = [0, 0];
  for (let n = 0; n < taps.length; n++) {
    real += (taps[n] as number) * Math.cos(2 * Math.PI * frequency * n);
    imaginary += (taps[n] as number) * Math.sin(2 * Math.PI * frequency * n);
  }
  return Math.hypot(real, imaginary);
}

test('cutoffs rise geometrically from 2 to half the resolution, and the last two layers are sampled critically', () => {
  const all = signals(config);
  assert.equal(all[0]?.cutoff, 2);
  assert.equal(all[1]?.cutoff, 2 * (128 / 2) ** (1 / 12));
  for (const last of all.slice(-2)) assert.equal(last.cutoff, last.rate / 2);
  for (const { rate, cutoff } of all)
    assert.ok(rate >= 2 * cutoff, 'no frequency above half the sampling rate');
});

test('layers are named and sized as in the published 256 px network', () => {
  assert.deepEqual(
    layerPlans(config).map(({ name }) => name),
    [
      'L0_36_512',
      'L1_36_512',
      'L2_36_512',
      'L3_52_512',
      'L4_52_512',
      'L5_84_512',
      'L6_84_512',
      'L7_148_512',
      'L8_148_512',
      'L9_148_362',
      'L10_276_256',
      'L11_276_181',
      'L12_276_128',
      'L13_256_128',
      'L14_256_1',
    ],
  );
});

test('a layer that doubles the sampling rate has the size of its target, including the margin', () => {
  for (const { source, target, kernel, up, down, padding } of layerPlans(config)) {
    const between = (source.size + kernel - 1) * up.factor + padding[0] + padding[1] - (up.taps - 1);
    assert.equal(Math.floor((between - down.taps) / down.factor) + 1, target.size);
  }
});

test('a separable filter passes frequencies below its cutoff and stops those above its transition band', () => {
  const taps = separableLowPass({ taps: 24, cutoff: 16, width: 8, rate: 128 });
  assert.ok(Math.abs(response(taps, 0) - 1) < 1e-6);
  assert.ok(Math.abs(response(taps, 16 / 128) - 0.5) < 0.06, `${response(taps, 16 / 128)} at the cutoff`);
  assert.ok(response(taps, 32 / 128) < 0.02);
  for (let i = 0; i < 12; i++) assert.equal(taps[i], taps[23 - i]);
});

test('a radial filter has the same response to waves of all directions', () => {
  const size = 12;
  const taps = radialLowPass({ taps: size, cutoff: 16, width: 16, rate: 64 });
  const along = (angle: number) => {
    let [real, imaginary] = [0, 0];
    taps.forEach((tap, k) => {
      const [x, y] = [k % size, Math.floor(k / size)];
      const phase = 2 * Math.PI * 0.2 * (x * Math.cos(angle) + y * Math.sin(angle));
      real += tap * Math.cos(phase);
      imaginary += tap * Math.sin(phase);
    });
    return Math.hypot(real, imaginary);
  };
  assert.ok(Math.abs(along(0) - along(Math.PI / 4)) < 0.02);
  assert.ok(Math.abs([...taps].reduce((sum, tap) => sum + tap, 0) - 1) < 1e-6);
});

test('-r has 1x1 kernels and radial filters, but not in the critically sampled layers', () => {
  const specs = networkOf({ cfg: 'stylegan3-r' }).generatorSpecs({ ...config, cfg: 'stylegan3-r' });
  assert.deepEqual(specs['synthesis.L5_84_512.weight']?.shape, [512, 512, 1, 1]);
  assert.deepEqual(specs['synthesis.L5_84_512.down_filter']?.shape, [12, 12]);
  assert.deepEqual(specs['synthesis.L13_256_128.down_filter']?.shape, [12]);
});
