/** The lock of set-up: one set-up at a time, and released before the caller continues. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const LOCK = pathToFileURL(path.resolve('scripts/setup/lock.mjs')).href;
const folder = mkdtempSync(path.join(tmpdir(), 'gist-setup-lock-'));

after(() => rmSync(folder, { recursive: true }));

/**
 * Acquires and releases the lock in a process. After that, or while it is held, a second process
 * does the same, and the first one blocks until it has ended.
 */
function another(when: 'after' | 'during'): { status: number | null; stderr: string } {
  const taking = (work: string, then: string) =>
    `import { withLock } from ${JSON.stringify(LOCK)};
     import { spawnSync } from 'node:child_process';
     const file = ${JSON.stringify(path.join(folder, when))};
     await withLock(file, async () => { ${work} });
     ${then}`;
  const run = `process.exitCode = spawnSync(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(taking('', ''))}],
    { timeout: ${when === 'after' ? 30_000 : 3000}, stdio: 'inherit' }).status ?? 99;`;
  const source = when === 'after' ? taking('', run) : taking(run, '');
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
}

test('a program that blocks after set-up does not hold the lock', () => {
  const { status, stderr } = another('after');
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
});

test('while one set-up is running, another one reports that it waits', () => {
  const { status, stderr } = another('during');
  assert.equal(status, 99);
  assert.match(stderr, /another set-up is running; waiting for it to end/);
});
