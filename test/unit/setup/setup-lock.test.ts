/** The lock of set-up: one at a time, and given back before anything else is done. */
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

/** Takes and gives back the lock in a process; then, or while it has it, another one does, for which the first one blocks. */
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

test('a program that blocks after its set-up does not keep others from theirs', () => {
  const { status, stderr } = another('after');
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
});

test('while one set-up is at work another one says that it waits, and does', () => {
  const { status, stderr } = another('during');
  assert.equal(status, 99);
  assert.match(stderr, /another set-up is at work; waiting for it/);
});
