/** Ids of runs: each is a folder of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRunId } from '../../../src/client/start.js';
import { RunError } from '../../../src/core/errors.js';
import { checkRunId } from '../../../src/spec/run-id.js';

test('ids that GIST, schedules and users choose are accepted', () => {
  const scheduled = 'nightly-2026-01-31T02:00:00Z';
  for (const id of [newRunId('knee-oa'), newRunId('x'.repeat(63)), scheduled, 'knee_1', 'v2.1', '7'])
    assert.equal(checkRunId(id), id);
});

test('ids that leave their folder, share one or are too long are refused with the reason', () => {
  const refused: [string, RegExp][] = [
    ['', /is empty/],
    ['../../x', /start with a letter or digit/],
    ['a/b', /characters other than/],
    ['a b', /characters other than/],
    ['a..b', /two dots in a row/],
    ['a.', /a dot at its end/],
    ['.part', /start with a letter or digit/],
    ['ä', /start with a letter or digit/],
    ['x'.repeat(129), /longer than 128/],
  ];
  for (const [id, reason] of refused)
    assert.throws(
      () => checkRunId(id),
      (error: unknown) => error instanceof RunError && reason.test(error.what),
      id,
    );
});
