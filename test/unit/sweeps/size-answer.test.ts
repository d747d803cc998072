/** How much data is enough: the fitted curve, its intervals, and the answer in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import { answerSizes } from '../../../src/sweeps/size-answer.js';
import {
  bandAt,
  enoughImages,
  fitPowerLaw,
  type Observation,
  valueAt,
} from '../../../src/sweeps/power-law.js';

const LAW = { a: 900, b: 0.8, c: 12 };
const SIZES = [100, 200, 300, 400, 500, 781];

/** Runs whose metric differs from the law by this relative noise. */
function runs(law: typeof LAW, { sizes = SIZES, repeats = 3, noise = 0.03, seed = 0 } = {}): Observation[] {
  const random = new RandomStream(seed, 'runs');
  return sizes.flatMap((size) =>
    Array.from({ length: repeats }, () => ({
      size,
      value: valueAt(law, size) * (1 + noise * random.normal()),
    })),
  );
}

test('a curve without noise is found again', () => {
  const fit = fitPowerLaw(runs(LAW, { noise: 0 })) ?? assert.fail();
  assert.ok(Math.abs(fit.b - LAW.b) < 1e-4, `${fit.b}`);
  assert.ok(Math.abs(fit.a / LAW.a - 1) < 1e-3, `${fit.a}`);
  assert.ok(Math.abs(fit.c - LAW.c) < 1e-2, `${fit.c}`);
});

test('the 95 % band of the curve contains the true one for 9 of 10 seeds or more', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const contained = seeds.filter((seed) => {
    const fit = fitPowerLaw(runs(LAW, { seed, noise: 0.05 })) ?? assert.fail();
    const { low, high } = bandAt(fit, 300);
    const truth = valueAt(LAW, 300);
    return low <= truth && truth <= high;
  });
  assert.ok(contained.length >= 18, `${contained.length} of ${seeds.length}`);
});

test('the number of images that is enough is where the curve gains just that', () => {
  const enough = enoughImages(LAW, { gain: 2, step: 100, from: 100 });
  assert.ok(Math.abs(valueAt(LAW, enough) - valueAt(LAW, enough + 100) - 2) < 0.02);
  assert.equal(enoughImages(LAW, { gain: 1e9, step: 100, from: 100 }), 100);
  assert.equal(enoughImages(LAW, { gain: 1e-9, step: 100, from: 100 }), Number.POSITIVE_INFINITY);
});

test('runs that determine it give a number with its interval, and the change that it rests on', () => {
  const answer = answerSizes(runs(LAW, { noise: 0.01 }), 'fd', 2);
  assert.ok(answer.isDetermined);
  assert.match(
    answer.text,
    /^More than \d+ images \(95 % interval \d+ to \d+\) buy less than 2 of fd per 100/,
  );
  assert.match(answer.text, /From 100 to 781 images fd goes from 3\d(\.\d)? to 1\d(\.\d)?/);
  const truth = enoughImages(LAW, { gain: 2, step: 100, from: 100 });
  const { low, high } = answer.interval ?? assert.fail();
  assert.ok(low <= truth && truth <= high, `${low} ${truth} ${high}`);
});

test('what is worthwhile is the spread over seeds unless the spec says it', () => {
  const { gain } = answerSizes(runs(LAW, { noise: 0.05 }), 'fd', null);
  const mean = runs(LAW, { noise: 0.05 }).reduce((sum, { value }) => sum + value, 0) / (SIZES.length * 3);
  assert.ok(gain > 0.02 * mean && gain < 0.1 * mean, `${gain} of ${mean}`);
});

test('runs that do not determine it say so, and why', () => {
  const cases: [string, Observation[], RegExp][] = [
    ['nothing', [], /Fewer than two sizes/],
    ['three sizes', runs(LAW, { sizes: [100, 200, 300] }), /needs at least 4 sizes and one more run/],
    ['a flat metric', runs({ ...LAW, a: 0 }, { noise: 0.05 }), /within the noise/],
    ['a metric that rises', runs({ a: -80, b: 0.5, c: 60 }), /within the noise/],
    [
      'a straight line',
      runs({ a: 900, b: 0.1, c: -400 }, { noise: 0.03 }),
      /not determined|beyond the sizes/,
    ],
  ];
  for (const [what, observations, text] of cases) {
    const answer = answerSizes(observations, 'fd', what === 'a straight line' ? 1 : null);
    assert.match(answer.text, text, what);
    if (what !== 'a straight line') assert.equal(answer.isDetermined, false, what);
  }
});

test('an answer beyond the sizes that were tried says that it is', () => {
  const answer = answerSizes(runs(LAW, { noise: 0.002 }), 'fd', 0.2);
  assert.ok(answer.isDetermined, answer.text);
  assert.match(answer.text, /beyond the sizes that were tried/);
});

test('one training of each size gives no spread, and the answer says so', () => {
  const answer = answerSizes(runs(LAW, { repeats: 1, noise: 0.01 }), 'fd', 2);
  assert.match(answer.text, /the spread over seeds is not known/);
});

test('a kernel distance, which may be negative, is fitted too', () => {
  const fit = fitPowerLaw(runs({ a: 2, b: 0.9, c: -0.001 }, { noise: 0 })) ?? assert.fail();
  assert.ok(Math.abs(fit.b - 0.9) < 1e-2, `${fit.b}`);
});
