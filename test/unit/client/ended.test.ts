/** What the error of a run that ended says about continuing it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailedRunError } from '../../../src/client/ended.js';

const NEXT = { command: 'gist retry r', checkpoint: null, message: '`gist retry r` resumes from 12 kimg.' };
const hintOf = (type: string) => new FailedRunError('r', { type, message: 'Why.' }, NEXT).hint ?? '';

test('a run that was cancelled or terminated has no cause to fix', () => {
  for (const type of ['CancelledFailure', 'TerminatedFailure']) assert.equal(hintOf(type), NEXT.message);
});

test('a failed run names the log, and a refused spec the option that corrects it', () => {
  assert.match(
    hintOf('TrainingError'),
    /^Once the cause is fixed: `gist retry r` resumes .*`--set key=value`.*`gist logs r`/,
  );
  assert.match(hintOf('SpecError'), /`gist retry r --set key=value` corrects its spec/);
});
