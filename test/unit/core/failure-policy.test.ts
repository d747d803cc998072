/** What follows a failure, and that docs/failures.md says the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as errors from '../../../src/core/errors.js';
import { afterFailure, type CauseClass, FAILURE_POLICIES } from '../../../src/core/failure-policy.js';

const DOCUMENT = readFileSync(new URL('../../../../docs/failures.md', import.meta.url), 'utf8');
const HOUR_MS = 3_600_000;

test('input fails and lost parks at the first attempt', () => {
  const first = { attempt: 1, elapsedMs: 0 };
  assert.equal(afterFailure('input', first), 'fail');
  assert.equal(afterFailure('lost', first), 'park');
});

test('worker is retried a few times, world for a day, and then both park', () => {
  assert.equal(afterFailure('worker', { attempt: 7, elapsedMs: HOUR_MS }), 'retry');
  assert.equal(afterFailure('worker', { attempt: 8, elapsedMs: HOUR_MS }), 'park');
  assert.equal(afterFailure('world', { attempt: 2000, elapsedMs: 23 * HOUR_MS }), 'retry');
  assert.equal(afterFailure('world', { attempt: 2, elapsedMs: 24 * HOUR_MS }), 'park');
});

test('the document shows the policies', () => {
  const rows = [...DOCUMENT.matchAll(/^\| `(\w+)` \|[^|]+\| (\w+) \| (\d+) \| (\w+) \|$/gm)];
  assert.equal(rows.length, Object.keys(FAILURE_POLICIES).length);
  for (const [, name, attempts, hours, outcome] of rows) {
    const policy = FAILURE_POLICIES[name as CauseClass];
    assert.equal(attempts === 'unlimited' ? Number.POSITIVE_INFINITY : Number(attempts), policy.attempts);
    assert.equal(Number(hours) * HOUR_MS, policy.milliseconds);
    assert.equal(outcome, policy.outcome);
  }
});

test('the document lists every error under its class', () => {
  const [, lists = ''] = DOCUMENT.split('## Errors by class');
  for (const [name, value] of Object.entries(errors)) {
    if (typeof value !== 'function' || !(value.prototype instanceof errors.GistError)) continue;
    const { causeClass } = new (value as new (parts: errors.ErrorParts) => errors.GistError)({ what: '' });
    const [, list = ''] = new RegExp(`^- \`${causeClass}\`:((?:.|\n  )*)`, 'm').exec(lists) ?? [];
    assert.ok(list.includes(`\`${name}\``), `${name} is of class ${causeClass}`);
  }
});
