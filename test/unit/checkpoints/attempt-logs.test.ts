/** Logs of the attempts of a training, wherever their workers run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAttemptLogs } from '../../../src/checkpoints/index.js';
import { openStore } from '../../../src/storage/index.js';
import { withFolder } from '../../support/images.js';

test('logs of all attempts are read from the store, each with its last lines', async () => {
  await withFolder(async (folder) => {
    const store = openStore(folder);
    const put = (name: string, text: string) =>
      store.put(`runs/knee/train/attempts/${name}`, Buffer.from(text));
    await put('0001.log', 'one\ntwo\nthree\n');
    await put('0001.json', '{"end":"killed"}\n');
    await put('0002.log', 'four\n');
    await put('notes.txt', 'not a log');
    assert.deepEqual(await readAttemptLogs(store, 'knee', 2), [
      { attempt: '0001', lines: ['{"end":"killed"}', 'two', 'three'] },
      { attempt: '0002', lines: ['four'] },
    ]);
    assert.deepEqual(await readAttemptLogs(store, 'nobody', 2), []);
  });
});
