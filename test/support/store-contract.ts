/** Tests of the contract of all object stores. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';
import { z } from 'zod';
import { PreconditionFailedError, StoreError } from '../../src/core/errors.js';
import { downloadVerified } from '../../src/storage/download.js';
import { findJson, getJson, putJson } from '../../src/storage/json.js';
import { partVerifies, putPart } from '../../src/storage/manifest.js';
import type { ObjectStore } from '../../src/storage/object-store.js';

async function keysOf(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const item of store.list(prefix, { startAfter })) keys.push(item.key);
  return keys;
}

/** Declares the tests. `open` returns a store that is empty under unused prefixes. */
export function testStoreContract(kind: string, open: () => ObjectStore): void {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

  test(`${kind}: an object can be read as a whole and in ranges`, async () => {
    const store = open();
    const info = await store.put('whole/a.txt', Buffer.from('0123456789'));
    assert.equal(info.bytes, 10);
    assert.equal(text(await store.get('whole/a.txt')), '0123456789');
    assert.equal(text(await store.get('whole/a.txt', { first: 2, last: 4 })), '234');
    assert.equal(text(Buffer.concat(await (await store.getStream('whole/a.txt')).toArray())), '0123456789');
    const head = await store.head('whole/a.txt');
    assert.deepEqual([head?.key, head?.bytes, head?.etag], ['whole/a.txt', 10, info.etag]);
  });

  test(`${kind}: an empty object is an object`, async () => {
    const store = open();
    await store.put('empty', new Uint8Array());
    assert.equal((await store.get('empty')).byteLength, 0);
    assert.equal((await store.head('empty'))?.bytes, 0);
  });

  test(`${kind}: a put replaces, and the etag changes`, async () => {
    const store = open();
    const before = await store.put('replaced', Buffer.from('one'));
    const after = await store.put('replaced', Buffer.from('two'));
    assert.notEqual(before.etag, after.etag);
    assert.equal(text(await store.get('replaced')), 'two');
  });

  test(`${kind}: streams and files of 20 MiB and more are read back unchanged`, async (t) => {
    const store = open();
    const folder = await mkdtemp(path.join(tmpdir(), 'gist-store-'));
    t.after(() => rm(folder, { recursive: true }));
    const bytes = randomBytes(20 * 2 ** 20 + 17);
    await writeFile(path.join(folder, 'big'), bytes);
    await store.put('big/file', { file: path.join(folder, 'big') });
    assert.ok(bytes.equals(await store.get('big/file')));
    const chunks = Array.from({ length: 41 }, (_, i) =>
      bytes.subarray(i * 524_287, Math.min((i + 1) * 524_287, bytes.length)),
    );
    const part = await putPart(store, 'big/', 'stream', Readable.from(chunks, { objectMode: false }));
    assert.equal(part.bytes, bytes.length);
    assert.ok(bytes.equals(await store.get('big/stream')));
    await store.put('big/memory', bytes);
    assert.ok(bytes.equals(await store.get('big/memory')));
  });

  test(`${kind}: a source that fails leaves no object`, async () => {
    const store = open();
    async function* failing() {
      yield Buffer.alloc(9 * 2 ** 20);
      yield Buffer.alloc(9 * 2 ** 20);
      throw new Error('the source broke');
    }
    await assert.rejects(
      store.put('failed/source', Readable.from(failing(), { objectMode: false })),
      /the source broke/,
    );
    assert.equal(await store.head('failed/source'), null);
    assert.deepEqual(await keysOf(store, 'failed/'), []);
  });

  test(`${kind}: what is not there has no head, is a StoreError to get, and may be deleted`, async () => {
    const store = open();
    assert.equal(await store.head('missing/x'), null);
    await assert.rejects(store.get('missing/x'), StoreError);
    await assert.rejects(store.getStream('missing/x'), StoreError);
    await store.delete('missing/x');
    await store.put('missing/x', Buffer.from('x'));
    await store.delete('missing/x');
    assert.equal(await store.head('missing/x'), null);
  });

  test(`${kind}: keys are listed in ascending order, by prefix, from a key on`, async () => {
    const store = open();
    const keys = ['list/a/00000.zip', 'list/a/00001.zip', 'list/b', 'list/c/d/e', 'list/c/f'];
    for (const key of keys.slice().reverse()) await store.put(key, Buffer.from(key));
    await store.put('listing', Buffer.from('a neighbour'));
    assert.deepEqual(await keysOf(store, 'list/'), keys);
    assert.deepEqual(await keysOf(store, 'list/a/0000'), keys.slice(0, 2));
    assert.deepEqual(await keysOf(store, 'list/c'), keys.slice(3));
    assert.deepEqual(await keysOf(store, 'list/', 'list/a/00001.zip'), keys.slice(2));
    assert.deepEqual(await keysOf(store, 'nothing/here'), []);
  });

  test(`${kind}: of 16 racing puts that want the key to be new, exactly one wins, and its bytes are whole`, async () => {
    const store = open();
    const puts = Array.from({ length: 16 }, (_, i) =>
      store.put('race/new', Buffer.alloc(50_000, i), { ifAbsent: true }),
    );
    const results = await Promise.allSettled(puts);
    assert.equal(results.filter((r) => r.status === 'fulfilled').length, 1);
    for (const result of results) {
      if (result.status === 'rejected')
        assert.ok(result.reason instanceof PreconditionFailedError, String(result.reason));
    }
    const winner = results.findIndex((r) => r.status === 'fulfilled');
    assert.ok(Buffer.alloc(50_000, winner).equals(await store.get('race/new')));
  });

  test(`${kind}: of 16 racing puts that saw the same etag, exactly one wins`, async () => {
    const store = open();
    const { etag } = await store.put('race/match', Buffer.from('first'));
    const puts = Array.from({ length: 16 }, (_, i) =>
      store.put('race/match', Buffer.from(`${i}`), { ifMatch: etag }),
    );
    const results = await Promise.allSettled(puts);
    const winner = results.findIndex((r) => r.status === 'fulfilled');
    assert.equal(results.filter((r) => r.status === 'fulfilled').length, 1);
    assert.equal(text(await store.get('race/match')), `${winner}`);
    await assert.rejects(
      store.put('race/match', Buffer.from('late'), { ifMatch: etag }),
      PreconditionFailedError,
    );
  });

  test(`${kind}: a condition on an object that is gone does not hold`, async () => {
    const store = open();
    const { etag } = await store.put('gone', Buffer.from('x'));
    await store.delete('gone');
    await assert.rejects(store.put('gone', Buffer.from('y'), { ifMatch: etag }), PreconditionFailedError);
    assert.equal(await store.head('gone'), null);
  });

  test(`${kind}: a large upload keeps its condition`, async () => {
    const store = open();
    await store.put('large-conditional', Buffer.from('small'));
    const large = Buffer.alloc(9 * 2 ** 20, 1);
    await assert.rejects(store.put('large-conditional', large, { ifAbsent: true }), PreconditionFailedError);
    assert.equal(text(await store.get('large-conditional')), 'small');
    await store.put('large-conditional-new', large, { ifAbsent: true });
    assert.equal((await store.head('large-conditional-new'))?.bytes, large.length);
  });

  test(`${kind}: keys that leave the store are refused by every method`, async () => {
    const store = open();
    for (const key of ['../outside', 'a/../../outside', '/etc/passwd', '']) {
      await assert.rejects(store.get(key), StoreError);
      await assert.rejects(store.put(key, new Uint8Array()), StoreError);
      await assert.rejects(store.head(key), StoreError);
      await assert.rejects(store.delete(key), StoreError);
    }
  });

  test(`${kind}: JSON is checked when it is read`, async () => {
    const store = open();
    const schema = z.strictObject({ n: z.int() });
    await putJson(store, 'json/good', { n: 3 });
    assert.deepEqual(await getJson(store, 'json/good', schema), { n: 3 });
    assert.equal(await findJson(store, 'json/none', schema), null);
    await store.put('json/torn', Buffer.from('{"n": 3, "name": "Jane D'));
    await assert.rejects(
      getJson(store, 'json/torn', schema),
      (error) => error instanceof StoreError && !error.message.includes('Jane'),
    );
    await putJson(store, 'json/other', { n: 'three' });
    await assert.rejects(getJson(store, 'json/other', schema), StoreError);
  });

  test(`${kind}: parts verify until a bit changes, and only the right bytes are downloaded`, async (t) => {
    const store = open();
    const folder = await mkdtemp(path.join(tmpdir(), 'gist-store-'));
    t.after(() => rm(folder, { recursive: true }));
    const bytes = randomBytes(100_000);
    const part = await putPart(store, 'set/', 'part', bytes);
    assert.equal(await partVerifies(store, 'set/', part), true);
    const file = path.join(folder, 'deep', 'part');
    await downloadVerified(store, 'set/part', file, part);
    bytes[5000] = (bytes[5000] as number) ^ 1;
    await store.put('set/part', bytes);
    assert.equal(await partVerifies(store, 'set/', part), false);
    await downloadVerified(store, 'set/part', file, part);
    await rm(file);
    await assert.rejects(downloadVerified(store, 'set/part', file, part), StoreError);
  });
}
