/** Tests of the controller's arithmetic, and of resolved settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  adapt,
  type AugmentationState,
  initialAugmentation,
} from '../../../../src/gan/augment/controller.js';
import { type AugmentationOptions, resolveAugmentation } from '../../../../src/gan/augment/options.js';
import { AUGMENTATION_SETS } from '../../../../src/gan/augment/sets.js';
import { trainSchema } from '../../../../src/spec/train.js';

const BATCH = 10;
const options: AugmentationOptions = { aug: 'ada', set: {}, target: 0.6, adaKimg: 1 };

/** Signs of a minibatch of which the discriminator takes this many images for real. */
function signs(real: number): Float32Array {
  return Float32Array.from({ length: BATCH }, (_, i) => (i < real ? 1 : -1));
}

/** Takes steps with equal minibatches. */
function after(steps: number, real: number, start: AugmentationState): AugmentationState {
  let state = start;
  for (let step = 1; step <= steps; step++) state = adapt(state, options, signs(real), step);
  return state;
}

const zero = { p: 0, images: 0, signs: 0 };

test('the strength does not change before the fourth step', () => {
  assert.deepEqual(after(3, 10, zero), { p: 0, images: 30, signs: 30 });
});

test('every fourth step p rises by batch * 4 / (adaKimg * 1000) while the mean sign of real images is above the target', () => {
  assert.deepEqual(after(4, 9, zero), { p: 0.04, images: 0, signs: 0 });
  assert.equal(after(100, 9, zero).p.toFixed(6), '1.000000');
});

test('p falls as fast while the mean sign is below the target, but not below 0', () => {
  assert.equal(after(4, 7, { ...zero, p: 0.5 }).p.toFixed(6), '0.460000');
  assert.equal(after(4, 7, { ...zero, p: 0.01 }).p, 0);
});

test('p does not change where the mean sign is the target', () => {
  assert.equal(after(4, 8, { ...zero, p: 0.5 }).p, 0.5);
});

test('the mean is over all images of the four steps', () => {
  let state: AugmentationState = zero;
  [10, 10, 10, 0].forEach((real, i) => {
    state = adapt(state, options, signs(real), i + 1);
  });
  assert.equal(state.p, 0, 'a mean of 0.5');
});

test('resuming from an intermediate state gives the states of an uninterrupted training', () => {
  const whole = after(8, 9, zero);
  const saved = JSON.parse(JSON.stringify(after(6, 9, zero))) as AugmentationState;
  let state = saved;
  for (let step = 7; step <= 8; step++) state = adapt(state, options, signs(9), step);
  assert.deepEqual(state, whole);
});

test('a fixed strength never changes; without augmentation it is 0', () => {
  const fixed: AugmentationOptions = { aug: 'fixed', set: {}, p: 0.3 };
  const state = initialAugmentation(fixed);
  assert.equal(state.p, 0.3);
  assert.deepEqual(adapt(state, fixed, signs(10), 4), state);
  assert.deepEqual(adapt(initialAugmentation(null), null, signs(10), 4), zero);
  assert.deepEqual(initialAugmentation(options), zero);
});

test('settings: no augmentation on request; ada has target 0.6 within 500 kimg, 100 from other weights, with the set that suits the channels', () => {
  const settings = (given: { aug: 'none' | 'ada' | 'fixed' } & Record<string, unknown>) => ({
    ...trainSchema.parse(given),
    aug: given.aug,
  });
  assert.equal(resolveAugmentation(1, settings({ aug: 'none' })), null);
  const ada = { aug: 'ada', target: 0.6, adaKimg: 500 };
  assert.deepEqual(resolveAugmentation(1, settings({ aug: 'ada' })), {
    ...ada,
    set: AUGMENTATION_SETS.medical,
  });
  assert.deepEqual(resolveAugmentation(3, settings({ aug: 'ada' })), { ...ada, set: AUGMENTATION_SETS.bgc });
  assert.deepEqual(resolveAugmentation(3, settings({ aug: 'ada', resume: 'ffhq' })), {
    ...ada,
    adaKimg: 100,
    set: AUGMENTATION_SETS.bgc,
  });
  assert.deepEqual(resolveAugmentation(1, settings({ aug: 'fixed', p: 0.5, augPipe: 'bgcfnc' })), {
    aug: 'fixed',
    p: 0.5,
    set: AUGMENTATION_SETS.bgcfnc,
  });
});
