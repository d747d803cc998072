/** What a training copies from another, and what its report contains. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NetworkSettings, resolveNetworkConfig } from '../../../src/gan/config.js';
import type { SourceWeights } from '../../../src/weights/source.js';
import { planTransfer } from '../../../src/weights/transfer.js';
import { tinyNetworks, tinyWeights } from '../../support/tiny-weights.js';

function transfer(from: Partial<NetworkSettings>, to: Partial<NetworkSettings>) {
  const sizes = { cfg: 'stylegan2', resolution: 8, channels: 1, classes: 0, mapDepth: 2 } as const;
  const small = { zDim: 4, wDim: 4, cbase: 64, cmax: 8 };
  const config = resolveNetworkConfig({ ...sizes, ...small, ...to });
  const theirs = resolveNetworkConfig({ ...sizes, ...small, ...from });
  const identity = { address: 'x', sha256: '' };
  const networks = tinyNetworks(theirs);
  const source: SourceWeights = { from: 'x', identity, kimg: 0, config: theirs, classes: null, networks };
  const shapes = Object.entries(tinyWeights(config)).map(([name, { shape }]) => [name, shape] as const);
  return planTransfer(config, Object.fromEntries(shapes), source);
}

describe('transfer', () => {
  test('all tensors are copied where nothing differs', () => {
    const { report } = transfer({}, {});
    assert.deepEqual([report.initialized, report.notes], [[], []]);
  });

  for (const [from, to] of [
    [8, 2],
    [2, 8],
  ] as const) {
    test(`a mapping network of ${from} layers does not become a part of one of ${to}: it starts from initial values, and the report has the reason`, () => {
      const { variables, report } = transfer({ mapDepth: from, classes: 3 }, { mapDepth: to, classes: 3 });
      const mapping = Object.keys(variables).filter((name) => /^G(_ema)?\.mapping\./.test(name));
      assert.deepEqual(mapping, []);
      assert.ok('D.mapping.fc0.weight' in variables);
      assert.deepEqual(report.notes, [
        `the mapping network starts from initial values: it was ${from} layers deep, is ${to}, and a part of one is useless`,
      ]);
      assert.ok(report.initialized.includes(`G.mapping.fc0.weight: was ${from} layers deep, is ${to}`));
      assert.ok(report.initialized.some((line) => line.startsWith('G_ema.mapping.w_avg: ')));
      assert.equal(report.networks.D?.initialized, 0);
    });
  }

  test('unused tensors of the source are named block by block', () => {
    const { report } = transfer({ resolution: 16, classes: 3 }, {});
    const [generators, discriminator, ...others] = report.notes;
    assert.match(
      generators ?? '',
      /^G, G_ema: \d+ of the source's tensors .*mapping\.embed, synthesis\.b16\)$/,
    );
    assert.match(
      discriminator ?? '',
      /^D: \d+ of the source's tensors .*b16, mapping\.embed, .* and \d more\)$/,
    );
    assert.deepEqual(others, []);
  });
});
