/**
 * The networks of a spec have channels in every layer, or the spec is refused with the wrong
 * setting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { networkSpecs } from '../../../src/gan/networks/registry.js';
import { specifiedNetwork } from '../../../src/training/specified-network.js';

const data = { resolution: 32, channels: 1, classes: 0 };
const train = { cfg: 'stylegan3-r', zDim: 4, wDim: 4, mapDepth: 2, cmax: 8 } as const;

test('a cbase that the doubled generator of stylegan3-r could do with, but not its discriminator, is refused as it was given', () => {
  assert.throws(
    () => specifiedNetwork({ ...train, cbase: 16 }, data),
    (error) => error instanceof SpecError && /train\.cbase: .*16.*at least .*32/.test(error.message),
  );
  assert.throws(() => specifiedNetwork({ ...train, cbase: 8 }, data), /cbase cannot be 8\b/);
});

test('the least cbase gives every layer of both networks channels', () => {
  const config = specifiedNetwork({ ...train, cbase: 32 }, data);
  assert.deepEqual([config.cbase, config.cmax], [64, 16]);
  assert.deepEqual(config.discriminator, { cbase: 32, cmax: 8 });
  for (const [network, specs] of Object.entries(networkSpecs(config))) {
    for (const [name, { shape }] of Object.entries(specs))
      assert.ok(
        shape.every((side) => side > 0),
        `${network}.${name}`,
      );
  }
});
