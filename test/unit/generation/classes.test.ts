/** Classes of synthetic images. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { classAssignment } from '../../../src/generation/classes.js';

const classes = [
  { name: 'healthy', images: 300 },
  { name: 'none of these', images: 0 },
  { name: 'ill', images: 100 },
];
const labels = (assign: (image: number) => number | null, count = 4000) =>
  Array.from({ length: count }, (_, i) => assign(i));

test('as-real follows the frequencies of the training set and is the same each time', () => {
  const drawn = labels(classAssignment('as-real', classes, 3));
  const share = drawn.filter((label) => label === 2).length / drawn.length;
  assert.ok(Math.abs(share - 0.25) < 0.03, String(share));
  assert.ok(!drawn.includes(1));
  assert.deepEqual(labels(classAssignment('as-real', classes, 3)), drawn);
  assert.notDeepEqual(labels(classAssignment('as-real', classes, 4)), drawn);
});

test('uniform and a list of names go through their classes in turn', () => {
  assert.deepEqual(labels(classAssignment('uniform', classes, 0), 5), [0, 1, 2, 0, 1]);
  assert.deepEqual(labels(classAssignment(['ill', 'healthy'], classes, 0), 3), [2, 0, 2]);
});

test('an unconditional generator assigns no class, and refuses a requested class', () => {
  assert.deepEqual(labels(classAssignment('as-real', null, 0), 2), [null, null]);
  assert.throws(() => classAssignment(['ill'], null, 0), SpecError);
});

test('an unknown class is refused, and the error lists the known classes', () => {
  assert.throws(() => classAssignment(['il'], classes, 0), /no class "il".*"healthy"/);
});
