/**
 * Latents by seed: the very numbers that NumPy's legacy generator gives (NumPy 2,
 * `RandomState(seed).randn(1, zDim)`).
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { latent } from '../../../src/generation/latents.js';
import { LegacyNormal } from '../../../src/generation/numpy-random.js';

/** Elements 0 to 3, 510 and 511 of 512, in single precision. */
const EXPECTED: [seed: number, values: number[]][] = [
  [
    0,
    [
      1.764052391052246, 0.40015721321105957, 0.978738009929657, 2.2408931255340576, 0.8952602744102478,
      1.3749641180038452,
    ],
  ],
  [
    1,
    [
      1.6243454217910767, -0.6117563843727112, -0.5281717777252197, -1.072968602180481, 1.693809151649475,
      0.19686977565288544,
    ],
  ],
  [
    2 ** 31 - 1,
    [
      1.628680944442749, -1.1083223819732666, 1.3931666612625122, 0.6885372400283813, 1.2205531597137451,
      2.2997636795043945,
    ],
  ],
  [
    2 ** 32 - 1,
    [
      0.6484086513519287, 0.6693235039710999, -1.0805437564849854, 0.2845010459423065, -0.032436612993478775,
      -0.16334505379199982,
    ],
  ],
];

for (const [seed, values] of EXPECTED) {
  test(`the latent of seed ${seed} is NumPy's`, () => {
    const z = latent(seed, 512);
    assert.deepEqual([...z.subarray(0, 4), ...z.subarray(510)], values);
  });
}

test('the latents of a hundred seeds are those of NumPy, byte for byte', () => {
  const hash = createHash('sha256');
  for (let seed = 0; seed < 100; seed++) hash.update(latent(seed, 512));
  assert.equal(hash.digest('hex'), 'c3ba616341ceef8bf9a7cd844bf75b8edeb83f77e781fc77d4ed5cdb3d5ca21b');
});

test('numbers come in pairs: after an odd count the second of a pair is next', () => {
  const random = new LegacyNormal(0);
  const drawn = Array.from({ length: 513 }, () => random.normal());
  assert.equal(drawn[512], -1.3322116545945017);
});
