/** The guard of the official trainer, with a command that ends its own children as PyTorch does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('../../../../src/training/official/guard.js', import.meta.url));

test('a command can end its children by SIGTERM, and survives the signals of a terminal and a job', async () => {
  const script = 'kill -INT $$; kill -USR1 $$; sleep 600 & kill -TERM $!; wait $!; exit $?';
  const child = spawn(process.execPath, [GUARD, 'sh', '-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  assert.deepEqual(await once(child, 'exit'), [128 + constants.signals.SIGTERM, null]);
});
