/** Attempts at a training, as `gist logs` reads them from the store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAttempts, recordAttempt, recordAttemptLog } from '../../../src/checkpoints/attempts.js';
import { openStore } from '../../../src/storage/index.js';
import { withFolder } from '../../support/images.js';

test('records and logs of all attempts are read in order, each log with its last lines', async () => {
  await withFolder(async (folder) => {
    const store = openStore(folder);
    const record = {
      attempt: 1_000,
      startedAt: '2026-01-31T14:22:00.000Z',
      resumedFrom: null,
      warnings: ['a checkpoint is damaged'],
    };
    await recordAttempt(store, 'knee', record);
    await recordAttemptLog(store, 'knee', 1_000, Buffer.from('one\ntwo\nthree\n'));
    await recordAttemptLog(store, 'knee', 999, Buffer.from('killed\n'));
    assert.deepEqual(await readAttempts(store, 'knee', 2), [
      { attempt: 999, record: null, lines: ['killed'] },
      { attempt: 1_000, record, lines: ['two', 'three'] },
    ]);
    assert.deepEqual(await readAttempts(store, 'nobody', 2), []);
  });
});
