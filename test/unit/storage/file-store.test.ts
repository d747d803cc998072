/** The object store on a local folder. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import test, { after } from 'node:test';
import { startService } from '../../../src/core/process-start.js';
import { StoreAccessError, StoreError, StoreUnavailableError } from '../../../src/core/errors.js';
import { classifyFileError } from '../../../src/storage/file-errors.js';
import { openStore } from '../../../src/storage/open-store.js';
import { testStoreContract } from '../../support/store-contract.js';

const root = await mkdtemp(path.join(tmpdir(), 'gist-file-store-'));
after(() => rm(root, { recursive: true, force: true }));

testStoreContract('folder', () => openStore(path.join(root, 'contract')));

test('a store in a folder that does not exist yet is empty, and the first put creates it', async () => {
  const store = openStore(`file://${root}/new/deep/`);
  assert.deepEqual(await Readable.from(store.list('')).toArray(), []);
  await store.put('a', Buffer.from('a'));
  assert.equal((await Readable.from(store.list('')).toArray()).length, 1);
});

test('writes leave no other files than the objects', async () => {
  const folder = path.join(root, 'clean');
  const store = openStore(folder);
  const { etag } = await store.put('a', Buffer.from('a'));
  await store.put('a', Buffer.from('b'), { ifMatch: etag });
  await store.put('a', Buffer.from('c'), { ifAbsent: true }).catch(() => undefined);
  assert.deepEqual(await readdir(folder), ['a']);
});

test('a put returns its own etag, even if another process writes immediately after', async () => {
  const store = openStore(path.join(root, 'fence'));
  const { etag: first } = await store.put('a', Buffer.from('start'));
  let etag = first;
  for (let round = 0; round < 40; round++) {
    const written = { mine: true };
    const mine = store.put('a', Buffer.from(`mine ${round}`), { ifMatch: etag });
    const theirs = overtake(store, etag, `theirs ${round}`, () => written.mine);
    const [one, other] = await Promise.all([mine.finally(() => (written.mine = false)), theirs]);
    if (other) assert.notEqual(one.etag, other.etag);
    etag = (await store.head('a'))?.etag ?? '';
  }
});

/**
 * Writes as soon as the object has another etag, as a later attempt that claims a training does.
 */
async function overtake(
  store: ReturnType<typeof openStore>,
  seen: string,
  content: string,
  isGoing: () => boolean,
) {
  while (isGoing()) {
    const now = await store.head('a');
    if (now && now.etag !== seen) return store.put('a', Buffer.from(content));
  }
  return null;
}

test('the lock of a killed process does not stop others', async () => {
  const folder = path.join(root, 'locked');
  const store = openStore(folder);
  const { etag } = await store.put('a', Buffer.from('a'));
  const lock = path.join(folder, '.gist-locks-a', '0123');
  await mkdir(path.dirname(lock));
  await writeFile(lock, '');
  await utimes(lock, new Date(0), new Date(0));
  await store.put('a', Buffer.from('b'), { ifMatch: etag });
  assert.deepEqual(await readdir(folder), ['a']);
});

test('reserved names of the store are not valid keys and are not listed', async () => {
  const folder = path.join(root, 'private');
  const store = openStore(folder);
  await store.put('a', Buffer.from('a'));
  await writeFile(path.join(folder, '.gist-tmp-1-abc'), 'left by a killed process');
  assert.deepEqual(
    (await Readable.from(store.list('')).toArray()).map((o: { key: string }) => o.key),
    ['a'],
  );
  await assert.rejects(store.put('.gist-lock-a', Buffer.from('x')), StoreError);
});

test('a cyclic link does not block a listing', async () => {
  const folder = path.join(root, 'circle');
  const store = openStore(folder);
  await store.put('a/b', Buffer.from('x'));
  await symlink(folder, path.join(folder, 'a', 'up'));
  assert.deepEqual(
    (await Readable.from(store.list('')).toArray()).map((o: { key: string }) => o.key),
    ['a/b'],
  );
});

test('a folder where an object should be is a StoreError', async () => {
  const store = openStore(path.join(root, 'mixed'));
  await store.put('a/b', Buffer.from('x'));
  await assert.rejects(store.put('a', Buffer.from('x')), StoreError);
  await assert.rejects(store.put('a/b/c', Buffer.from('x')), StoreError);
  await assert.rejects(store.get('a'), StoreError);
});

test('a read-only folder is a StoreAccessError', {
  skip: process.getuid?.() === 0 && 'root may write anywhere',
}, async () => {
  const folder = path.join(root, 'read-only');
  const store = openStore(folder);
  await store.put('a', Buffer.from('x'));
  await chmod(folder, 0o500);
  await assert.rejects(store.put('b', Buffer.from('x')), StoreAccessError);
  await chmod(folder, 0o700);
});

test('a folder that is gone is not created again, nor taken for an empty store, and serves again once it is back', async () => {
  startService();
  const [folder, elsewhere] = [path.join(root, 'share'), path.join(root, 'unmounted')];
  const store = openStore(folder);
  await store.put('runs/a', Buffer.from('a'));
  const operations = [
    () => store.get('runs/a'),
    () => store.head('runs/a'),
    () => store.put('runs/b', Buffer.from('b')),
    () => Readable.from(store.list('runs/')).toArray(),
  ];
  await rename(folder, elsewhere);
  for (const each of operations)
    await assert.rejects(each, (e) => e instanceof StoreAccessError && /Mount its disk/.test(e.message));
  await assert.rejects(readdir(folder));
  // What a mount point is without its disk.
  await mkdir(folder);
  for (const each of operations) await assert.rejects(each, StoreAccessError);
  await rename(elsewhere, folder);
  assert.equal(Buffer.from(await store.get('runs/a')).toString(), 'a');
});

test('errors of a disk or a network share end by themselves; missing permission is of this machine', () => {
  for (const code of ['EIO', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN', 'EBUSY', 'EMFILE']) {
    const error = classifyFileError(Object.assign(new Error(code), { code }), 'a');
    assert.ok(error instanceof StoreUnavailableError && error.causeClass === 'world', code);
  }
  for (const code of ['EACCES', 'EPERM', 'EROFS']) {
    const error = classifyFileError(Object.assign(new Error(code), { code }), 'a');
    assert.ok(error instanceof StoreAccessError && error.causeClass === 'worker', code);
  }
});

test('a full disk is a StoreUnavailableError', () => {
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  assert.ok(classifyFileError(full, 'a') instanceof StoreUnavailableError);
});

test('a full device is reported', {
  skip: process.platform !== 'linux' && 'needs /dev/full',
}, async () => {
  const { open } = await import('node:fs/promises');
  const handle = await open('/dev/full', 'w');
  const error = await handle.writeFile('x').catch((e: unknown) => e);
  await handle.close().catch(() => undefined);
  assert.ok(classifyFileError(error, 'a') instanceof StoreUnavailableError);
});

test('a folder that this user must not use, or that is mounted read-only, is a StoreAccessError', () => {
  for (const code of ['EACCES', 'EPERM', 'EROFS']) {
    const error = classifyFileError(Object.assign(new Error(code), { code }), 'a');
    assert.ok(error instanceof StoreAccessError && /GIST_STORE/.test(error.message), code);
  }
});

test('temporary files of killed processes are removed once they are old, and only under the prefix', async () => {
  const store = openStore(path.join(root, 'abandoned'));
  for (const key of ['run/a/x', 'run/b/x', 'other/x']) await store.put(key, Buffer.from('x'));
  const old = new Date(Date.now() - 2 * 60 * 60_000);
  const leave = async (key: string, changed: Date) => {
    const file = path.join(root, 'abandoned', key);
    await writeFile(file, 'half');
    await utimes(file, changed, changed);
  };
  await leave('run/a/.gist-tmp-1-a', old);
  await leave('run/b/.gist-tmp-1-b', new Date());
  await leave('other/.gist-tmp-1-c', old);
  await store.abortUploads('run/', () => true);
  await store.abortUploads('nothing/', () => true);
  const left = await readdir(path.join(root, 'abandoned'), { recursive: true });
  assert.deepEqual(left.filter((name) => name.includes('.gist-tmp')).sort(), [
    'other/.gist-tmp-1-c',
    'run/b/.gist-tmp-1-b',
  ]);
});
