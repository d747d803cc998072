/** Messages of errors: what, where and how to fix it, as sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/core/errors.js';

test('a full stop stands between what is wrong and how to fix it', () => {
  const messageOf = (what: string, hint?: string) => new UsageError({ what, where: 'file', hint }).message;
  assert.equal(messageOf('is empty', 'Fill it.'), 'file: is empty. Fill it.');
  assert.equal(messageOf('is empty.', 'Fill it.'), 'file: is empty. Fill it.');
  assert.equal(messageOf('is it empty?', 'Fill it.'), 'file: is it empty? Fill it.');
  assert.equal(messageOf('is empty'), 'file: is empty');
});

test('a hint stands on its own line after a list of problems', () => {
  const { message } = new UsageError({ what: '2 problems:\n  - one\n  - two', hint: 'Correct both.' });
  assert.equal(message, '2 problems:\n  - one\n  - two.\nCorrect both.');
});
