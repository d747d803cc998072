/** A class on the command line: its name or its number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classIndex } from '../../../src/cli/class-index.js';

const GRADES = ['doubtful', 'healthy', 'severe'];

test('a class is found by its name and by its number', () => {
  assert.equal(classIndex('severe', GRADES), 2);
  assert.equal(classIndex('1', GRADES), 1);
});

test('a name of digits is a name first', () => {
  assert.equal(classIndex('1', ['4', '1', '0']), 1);
});

for (const given of ['3', '-1', '1.5', 'healty', '']) {
  test(`"${given}" is refused with the classes and their numbers`, () => {
    assert.throws(() => classIndex(given, GRADES), /no class ".*0 doubtful, 1 healthy, 2 severe/);
  });
}

test('a misspelt name is answered with the nearest one', () => {
  assert.throws(() => classIndex('healty', GRADES), /Did you mean "healthy"\?/);
});

test('a generator without classes says so', () => {
  assert.throws(() => classIndex('0', null), /has no classes/);
});
