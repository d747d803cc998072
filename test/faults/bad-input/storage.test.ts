/**
 * Unusable stores and folders: wrong secrets, missing buckets, unreachable servers, read-only
 * folders, full disks.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { rootOf } from '../../support/failed-runs.js';
import { GistUser } from '../../support/gist.js';
import { writeClasses } from '../../support/images.js';
import { type OtherUser, otherUser } from '../../support/other-user.js';
import { freePort } from '../../support/ports.js';
import { assertRefused } from '../../support/refusals.js';
import { Rig, until } from '../../support/rig.js';
import { TestWorker } from '../../support/worker.js';

const other = otherUser();
let rig: Rig;
let user: GistUser;

before(async () => {
  rig = await Rig.start();
  user = await GistUser.create(rig.env);
  await chmod(user.folder, 0o777);
  await writeClasses(path.join(user.folder, 'images'), { a: 4 });
});

after(async () => {
  await user.leave();
  await rig.stop();
  other.remove();
});

const build = (out: string, env: Record<string, string> = {}, source = 'images', as?: OtherUser) =>
  user.as({ env, other: as }).gist('dataset', 'build', source, '--out', out, '--json');
const store = { type: 'StoreError', code: 5 };
const access = { type: 'StoreAccessError', code: 5 };

test('refuses a wrong secret', async () => {
  const outcome = await build('s3://gist/out', { AWS_SECRET_ACCESS_KEY: 'wrong' });
  assertRefused(outcome, { ...access, says: /the secret access key is wrong|access is denied/ });
});

test('refuses an unknown access key', async () => {
  const outcome = await build('s3://gist/out', { AWS_ACCESS_KEY_ID: 'nobody' });
  assertRefused(outcome, { ...access, says: /the access key is not known|access is denied/ });
});

test('refuses a missing bucket', async () => {
  assertRefused(await build('s3://no-such-bucket/out'), { ...access, says: /no bucket "no-such-bucket"/ });
});

test('reports an unreachable server', async () => {
  const outcome = await build('s3://gist/out', { AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` });
  assertRefused(outcome, {
    type: 'StoreUnavailableError',
    code: 5,
    says: /object store at .* is unavailable/,
  });
});

test('refuses a malformed endpoint', async () => {
  const outcome = await build('s3://gist/out', { AWS_ENDPOINT_URL: 'nowhere' });
  assertRefused(outcome, { ...store, says: /AWS_ENDPOINT_URL: is not the address of an S3 server/ });
});

test('refuses an address without a bucket', async () => {
  assertRefused(await build('s3:///out'), { ...store, says: /does not name a bucket/ });
});

test('refuses a file where the store should be', async () => {
  await writeFile(path.join(user.folder, 'taken'), '');
  assertRefused(await build('taken'), { ...store, says: /is a folder where a file is expected/ });
});

test('refuses a read-only folder', async () => {
  await mkdir(path.join(user.folder, 'closed'), { mode: 0o555 });
  const outcome = await build('closed', {}, 'images', other);
  assertRefused(outcome, { ...access, says: /cannot be read or written by this user/ });
  assert.deepEqual(await readdir(path.join(user.folder, 'closed')), []);
});

test('refuses an unreadable folder of images', async () => {
  const locked = path.join(user.folder, 'locked');
  await writeClasses(locked, { a: 2, b: 2 });
  await chmod(path.join(locked, 'b'), 0);
  const outcome = await build('out', {}, 'locked', other);
  await chmod(path.join(locked, 'b'), 0o700);
  assertRefused(outcome, {
    type: 'DatasetError',
    code: 3,
    says: /locked: contains a file or folder that this user cannot read/,
  });
});

test('reports a full disk, and leaves no data set', async (t) => {
  const disk = path.join(user.folder, 'disk');
  await mkdir(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk]).status !== 0)
    return t.skip('only root may make a small disk');
  try {
    const outcome = await build('disk/out');
    assertRefused(outcome, { type: 'StoreUnavailableError', code: 5, says: /no space left on the disk/ });
    const files = await readdir(disk, { recursive: true });
    assert.ok(!files.some((file) => /manifest\.json$|\.gist-/.test(file)), files.join(', '));
  } finally {
    spawnSync('umount', [disk]);
  }
});

const DEPLOYMENTS: [string, Record<string, string>, RegExp][] = [
  ['wrong-secret', { AWS_SECRET_ACCESS_KEY: 'wrong' }, /the secret access key is wrong|access is denied/],
  ['missing-bucket', { GIST_STORE: 's3://no-such-bucket/' }, /there is no bucket "no-such-bucket"/],
];

for (const [queue, env, says] of DEPLOYMENTS) {
  test(`a worker with a ${queue.replace('-', ' ')} takes no work, and another one does it`, async () => {
    const queues = { GIST_TASK_QUEUE: queue, GIST_GPU_TASK_QUEUE: `${queue}-gpu` };
    const log = path.join(rig.folder, `${queue}.log`);
    const broken = new TestWorker({ ...rig.env, ...queues, ...env }, log);
    const sound = new TestWorker({ ...rig.env, ...queues }, path.join(rig.folder, 'worker.log'));
    const spec = {
      name: 'bad',
      stages: ['preprocess' as const],
      preprocess: { source: 's3://gist/nowhere' },
    };
    try {
      const handle = await rig.startRun(queue, spec, queue);
      broken.launch();
      await until('it says what is wrong', async () => says.test(await readFile(log, 'utf8')));
      assert.ok(!broken.isReady);
      await sound.start();
      // The spec is at fault, not a worker.
      await assert.rejects(handle.result(), (error: Error) =>
        /contains no images/.test(rootOf(error).message),
      );
    } finally {
      await broken.end('SIGKILL');
      await sound.end('SIGKILL');
    }
  });
}
