/** The test command: counts, selection of files, and exit code. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gist-tests-'));
  cpSync('scripts/test.mjs', path.join(folder, 'scripts', 'test.mjs'));
  writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A compiled test, and the source that it comes from. */
function plant(name: string, code: string): void {
  for (const file of [`test/${name}.test.ts`, `dist/test/${name}.test.js`]) {
    const place = path.join(folder, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, `import { describe, it, test } from 'node:test';\n${code}\n`);
  }
}

function runTests(...args: string[]): Promise<{ code: unknown; last: string; said: string }> {
  // The test runner sets NODE_TEST_CONTEXT for its child processes; the command must not see it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['scripts/test.mjs', ...args],
      { cwd: folder, env },
      (error, stdout, stderr) => {
        resolve({
          code: error ? error.code : 0,
          last: stdout.trimEnd().split('\n').at(-1) ?? '',
          said: stdout + stderr,
        });
      },
    );
  });
}

describe('the test command', () => {
  it('counts tests, not suites or files, and succeeds when all pass', async () => {
    plant('unit/good', "describe('suite', () => { it('one', () => {}); it('two', () => {}); });");
    assert.deepEqual(await runTests().then(({ code, last }) => [code, last]), [0, '2 passed, 0 failed']);
  });

  it('counts skipped tests separately', async () => {
    plant('unit/good', "test('one', () => {}); test('two', { skip: true }, () => {});");
    assert.deepEqual(await runTests().then(({ code, last }) => [code, last]), [
      0,
      '1 passed, 0 failed, 1 skipped',
    ]);
  });

  it('fails when a test fails, and counts it once', async () => {
    plant(
      'unit/bad',
      "describe('suite', () => { it('one', () => { throw new Error('broken'); }); it('two', () => {}); });",
    );
    const { code, last, said } = await runTests();
    assert.deepEqual([code, last], [1, '1 passed, 1 failed']);
    // The reporter prints the failure where it occurs; the summary repeats it.
    assert.match(said.slice(said.indexOf('failures:')), /unit\/bad\.test:\d+ one\n.*broken/s);
  });

  it('counts a file that cannot be loaded, or is killed, as a failure', async () => {
    plant('unit/lost', "import './nowhere.js';");
    plant('unit/shot', "test('shot', () => process.kill(process.pid, 'SIGKILL'));");
    assert.deepEqual(await runTests().then(({ code, last }) => [code, last]), [1, '0 passed, 2 failed']);
  });

  it('ends a file that hangs', async () => {
    plant('unit/hung', "test('hung', () => new Promise(() => setInterval(() => {}, 1000)));");
    plant('unit/zgood', "test('good', () => {});");
    const { code, last } = await runTests('--minutes', '0.2');
    assert.deepEqual([code, last], [1, '1 passed, 1 failed']);
  });

  it('selects files whose path contains one of the words, or of one suite', async () => {
    for (const name of ['unit/a', 'unit/b', 'faults/a']) plant(name, "test('good', () => {});");
    assert.equal((await runTests('a.test', '--suite', 'unit')).last, '1 passed, 0 failed');
    assert.equal((await runTests('unit/b', 'faults')).last, '2 passed, 0 failed');
    assert.equal((await runTests('no-such-file')).code, 1);
    assert.equal((await runTests('--suite', 'no-such-suite')).code, 2);
  });

  it('ignores compiled files of removed tests', async () => {
    for (const name of ['unit/a', 'unit/b']) plant(name, "test('good', () => {});");
    rmSync(path.join(folder, 'test/unit/b.test.ts'));
    assert.equal((await runTests()).last, '1 passed, 0 failed');
  });
});
