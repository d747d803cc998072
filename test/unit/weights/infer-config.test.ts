/**
 * Sizes come back from shapes, however cbase divides: networks that were exported are imported
 * again.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CheckpointError } from '../../../src/core/errors.js';
import type { Channels, NetworkConfig, NetworkFamily } from '../../../src/gan/config.js';
import { networkSpecs } from '../../../src/gan/networks/registry.js';
import { specifiedNetwork } from '../../../src/training/specified-network.js';
import { encodeWeights, readWeights } from '../../../src/weights/index.js';
import { firstDifference, inferConfig } from '../../../src/weights/infer-config.js';
import type { NetworkWeights } from '../../../src/weights/network-weights.js';
import { tinyNetworks } from '../../support/tiny-weights.js';

function configOf(cfg: NetworkFamily, resolution: number, cbase: number, cmax = 512): NetworkConfig {
  const train = { cfg, zDim: 4, wDim: 4, mapDepth: 2, cbase, cmax };
  return specifiedNetwork(train, { resolution, channels: 1, classes: 0 });
}

/** Shapes alone, without the numbers that they would hold. */
function shapesOf(config: NetworkConfig, network: 'G' | 'D', stated: Channels | null = null): NetworkWeights {
  const tensors = Object.entries(networkSpecs(config)[network]).map(
    ([name, { shape }]) => [name, { shape, data: new Float32Array() }] as const,
  );
  return { className: null, clamp: null, stated, tensors: Object.fromEntries(tensors) };
}

const SIZES: [NetworkFamily, number, number][] = [
  ['stylegan2', 128, 1000],
  ['stylegan2', 256, 32_768],
  ['stylegan3-t', 128, 1000],
  ['stylegan3-t', 256, 20_000],
  ['stylegan3-t', 512, 3000],
  ['stylegan3-t', 256, 32_768],
  ['stylegan3-r', 128, 1001],
  ['stylegan3-r', 256, 20_000],
];

describe('sizes inferred from shapes', () => {
  for (const [cfg, resolution, cbase] of SIZES) {
    const config = configOf(cfg, resolution, cbase);
    const [G, D] = [shapesOf(config, 'G'), shapesOf(config, 'D')];

    test(`${cfg} of ${resolution} px with cbase ${cbase} fits its inferred sizes, with its discriminator and alone`, () => {
      const specs = networkSpecs(inferConfig(G, D, 'x'));
      assert.equal(firstDifference(G.tensors, specs.G), null);
      assert.equal(firstDifference(D.tensors, specs.D), null);
      const alone = inferConfig(G, undefined, 'x');
      assert.equal(firstDifference(G.tensors, networkSpecs(alone).G), null);
    });

    test(`${cfg} of ${resolution} px has exactly the cbase and cmax that it states, ${cbase}`, () => {
      const own = { ...G, stated: config };
      const other = { ...D, stated: config.discriminator ?? config };
      assert.deepEqual(inferConfig(own, other, 'x'), config);
    });
  }

  test('a round cbase is inferred exactly, from a generator alone too', () => {
    for (const cfg of ['stylegan2', 'stylegan3-t', 'stylegan3-r'] as const) {
      const config = configOf(cfg, 256, 32_768);
      const { cbase, cmax } = inferConfig(shapesOf(config, 'G'), undefined, 'x');
      assert.deepEqual([cbase, cmax], [config.cbase, config.cmax], cfg);
    }
  });

  test('stated sizes that do not match the shapes are ignored', () => {
    const config = configOf('stylegan2', 64, 1000, 32);
    for (const stated of [
      { cbase: 2000, cmax: 32 },
      { cbase: 1e15, cmax: 1e15 },
      { cbase: Number.NaN, cmax: 32 },
    ]) {
      const found = inferConfig(shapesOf(config, 'G', stated), undefined, 'x');
      assert.equal(firstDifference(shapesOf(config, 'G').tensors, networkSpecs(found).G), null);
    }
  });

  test('channels that match no cbase and cmax are refused', () => {
    const G = shapesOf(configOf('stylegan2', 64, 1000, 32), 'G');
    const odd = shapesOf(configOf('stylegan2', 64, 2000, 32), 'G').tensors['synthesis.b64.conv1.weight'];
    const tensors = { ...G.tensors, 'synthesis.b64.conv1.weight': odd ?? assert.fail() };
    assert.throws(
      () => inferConfig({ ...G, tensors }, undefined, 'x'),
      (error) => error instanceof CheckpointError && /another architecture/.test(error.message),
    );
  });
});

test('an export states the sizes of both networks, and is imported with them', () => {
  const config = configOf('stylegan3-r', 16, 100, 5);
  const identity = { address: 'x', sha256: '' };
  const bytes = encodeWeights({
    from: 'x',
    identity,
    kimg: 1,
    config,
    classes: null,
    networks: tinyNetworks(config),
  });
  const read = readWeights(bytes, 'x.safetensors');
  assert.deepEqual(read.config, config);
  assert.deepEqual(read.notes, []);
});
