/** Tests of the networks' state: names, shapes and initial values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveNetworkConfig } from '../../../../src/gan/config.js';
import { initialValues, normalValues, trainableNames } from '../../../../src/gan/networks/parameters.js';
import { networkOf } from '../../../../src/gan/networks/registry.js';

const config = resolveNetworkConfig({
  cfg: 'stylegan2',
  resolution: 32,
  channels: 1,
  classes: 0,
  cbase: 512,
  cmax: 32,
  zDim: 32,
  wDim: 32,
});
const network = networkOf(config);

function moments(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

test('initial normal values have mean 0 and the given deviation', () => {
  const { mean, deviation } = moments(normalValues(200_001, 3, 5, 'a stream'));
  assert.ok(Math.abs(mean) < 0.03, `mean ${mean}`);
  assert.ok(Math.abs(deviation - 3) < 0.03, `deviation ${deviation}`);
});

test('initial values depend on seed and name only', () => {
  assert.deepEqual(normalValues(9, 1, 5, 'a'), normalValues(9, 1, 5, 'a'));
  assert.notDeepEqual(normalValues(9, 1, 5, 'a'), normalValues(9, 1, 6, 'a'));
  assert.notDeepEqual(normalValues(9, 1, 5, 'a'), normalValues(9, 1, 5, 'b'));
});

test('mapping layers learn a hundred times slower and start a hundred times as large', () => {
  const spec = network.generatorSpecs(config)['mapping.fc0.weight'];
  assert.ok(spec);
  const values = initialValues(spec, 0, 'mapping.fc0.weight');
  assert.ok(values instanceof Float32Array);
  assert.ok(Math.abs(moments(values).deviation - 100) < 10);
});

test('running means, constant noise and filters are state, but not trained', () => {
  const specs = network.generatorSpecs(config);
  const buffers = Object.keys(specs).filter((name) => !trainableNames(specs).includes(name));
  const kinds = new Set(buffers.map((name) => name.split('.').at(-1)));
  assert.deepEqual([...kinds].sort(), ['noise_const', 'resample_filter', 'w_avg']);
});

test('the resampling filter sums to one', () => {
  const spec = network.discriminatorSpecs(config)['b32.conv1.resample_filter'];
  assert.ok(spec);
  const values = initialValues(spec, 0, 'any') as Float32Array;
  assert.ok(Math.abs(values.reduce((sum, value) => sum + value, 0) - 1) < 1e-7);
});

test('only conditional networks have label embeddings, and their discriminator a mapping network', () => {
  const conditional = { ...config, classes: 5 };
  const names = (which: typeof config) => [
    ...Object.keys(network.generatorSpecs(which)),
    ...Object.keys(network.discriminatorSpecs(which)),
  ];
  assert.equal(names(config).filter((name) => name.includes('embed')).length, 0);
  assert.equal(names(conditional).filter((name) => name.includes('embed')).length, 4);
  assert.deepEqual(network.generatorSpecs(conditional)['mapping.fc0.weight']?.shape, [32, 64]);
  assert.deepEqual(network.discriminatorSpecs(conditional)['b4.out.weight']?.shape, [32, 32]);
});
