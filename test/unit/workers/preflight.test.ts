/**
 * What a worker finds out about its machine, as the user of the image that may not write the cache.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { WireError } from '../../../src/core/errors.js';
import { preflight } from '../../../src/workers/preflight.js';
import { type OtherUser, otherUser } from '../../support/other-user.js';

let user: OtherUser;
let folder: string;

before(() => {
  user = otherUser();
  folder = mkdtempSync(path.join(tmpdir(), 'gist-preflight-'));
  mkdirSync(path.join(folder, 'installed', 'wheels'), { recursive: true });
  for (const name of ['store', 'own', 'temporary']) {
    mkdirSync(path.join(folder, name));
    chmodSync(path.join(folder, name), 0o777);
  }
  chmodSync(path.join(folder, 'installed'), 0o555);
  chmodSync(folder, 0o755);
});

after(() => {
  chmodSync(path.join(folder, 'installed'), 0o755);
  rmSync(folder, { recursive: true, force: true });
  user.remove();
});

/** Problems that a CPU worker of this user finds. */
function problems(env: Record<string, string>): WireError[] {
  const module = pathToFileURL(path.join(user.main, '../../workers/preflight.js'));
  const code = `import { preflight } from ${JSON.stringify(module.href)};
    console.log(JSON.stringify(await preflight('cpu')));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    uid: user.uid,
    encoding: 'utf8',
    env: {
      HOME: '/nonexistent',
      TMPDIR: path.join(folder, 'temporary'),
      GIST_STORE: path.join(folder, 'store'),
      GIST_CACHE_DIR: path.join(folder, 'installed'),
      ...env,
    },
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as WireError[];
}

test('installed parts that only others may write are enough, with a place for data of its own', () => {
  assert.deepEqual(problems({ GIST_DATA_CACHE: path.join(folder, 'own', 'cache') }), []);
});

test('without such a place, the variable that names one is in the hint', () => {
  const [problem, ...others] = problems({});
  assert.deepEqual(others, []);
  assert.equal(problem?.where, path.join(folder, 'installed', 'datasets'));
  assert.match(problem?.what ?? '', /cannot be written \(EACCES\)/);
  assert.match(problem?.hint ?? '', /GIST_DATA_CACHE/);
});

test('a folder in the shared cache that another user has closed is a problem', () => {
  const cache = path.join(folder, 'own', 'shared');
  for (const name of ['', 'datasets']) {
    mkdirSync(path.join(cache, name));
    chmodSync(path.join(cache, name), 0o777);
  }
  mkdirSync(path.join(cache, 'spool'), { mode: 0o700 });
  const [problem, ...others] = problems({ GIST_DATA_CACHE: cache });
  assert.deepEqual(others, []);
  assert.equal(problem?.where, path.join(cache, 'spool'));
});

test('all problems are told at once: no folder for temporary files, no store', () => {
  const found = problems({
    TMPDIR: path.join(folder, 'installed', 'temporary'),
    GIST_STORE: path.join(folder, 'installed', 'store'),
    GIST_DATA_CACHE: path.join(folder, 'own', 'cache'),
  });
  assert.deepEqual(found.map(({ hint }) => /TMPDIR|folder/.exec(hint ?? '')?.[0]).sort(), [
    'TMPDIR',
    'folder',
  ]);
});

test('a device that does not answer is given up after its time limit, and told as that', async (t) => {
  const given = { ...process.env };
  t.after(() => Object.assign(process.env, given));
  process.env.GIST_STORE = path.join(folder, 'store');
  process.env.GIST_DATA_CACHE = path.join(folder, 'own', 'device');
  // Loading the library takes longer.
  const [problem, ...others] = await preflight('gpu', undefined, 100);
  assert.deepEqual(others, []);
  assert.match(problem?.what ?? '', /device has not finished a small computation within/);
});
