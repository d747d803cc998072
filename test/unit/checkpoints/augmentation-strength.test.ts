/** The strength of the augmentation in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainStrength } from '../../../src/checkpoints/augmentation-strength.js';

test('a strength up to 1 needs no words, above 1 it is explained, above 2 it is a warning', () => {
  assert.deepEqual([explainStrength(0), explainStrength(1)], [null, null]);
  assert.match(explainStrength(1.32) ?? '', /^augmentation p is 1\.32: above 1 every transformation/);
  assert.match(explainStrength(2.5) ?? '', /^Warning: augmentation p is 2\.50: .* stronger train\.augPipe/);
});
