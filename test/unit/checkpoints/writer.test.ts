/** Checkpoints in the store: committed in one step, fenced, verified, thinned out. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as breathe } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  CheckpointError,
  CheckpointLostError,
  NewerVersionError,
  PreconditionFailedError,
  StaleAttemptError,
  StoreUnavailableError,
} from '../../../src/core/errors.js';
import { assertSameConfiguration, partKey } from '../../../src/checkpoints/manifest.js';
import { listSnapshots, newestListed, newestVerified } from '../../../src/checkpoints/reader.js';
import { CheckpointWriter, type Opened } from '../../../src/checkpoints/writer.js';
import type { CheckpointRef } from '../../../src/spec/results.js';
import { sha256 } from '../../../src/storage/digest.js';
import { RetryingStore } from '../../../src/storage/retrying-store.js';
import { FileStore } from '../../../src/storage/file-store.js';
import type { ObjectInfo, PutBody, PutOptions } from '../../../src/storage/object-store.js';
import { configuration, draft, parts } from '../../support/checkpoint-drafts.js';

const RUN = 'runs/r/train/';
describe('checkpoint store', () => {
  let folder: string;
  let store: FileStore;
  let warnings: string[];
  const warn = (message: string) => void warnings.push(message);
  const open = (attempt = 1, keepCheckpoints = 2, expected: CheckpointRef | null = null) =>
    CheckpointWriter.open(store, RUN, { attempt, keepCheckpoints, expected, warn });
  const openWithRetries = (attempt: number) =>
    CheckpointWriter.open(new RetryingStore(store, { initialDelayMs: 1 }), RUN, {
      attempt,
      keepCheckpoints: 2,
      expected: null,
      warn,
    });
  /** From now on the first put of each object is stored, and its answer is lost. */
  const loseFirstAnswers = () => {
    const put = store.put.bind(store);
    const lost = new Set<string>();
    store.put = async (key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> => {
      const info = await put(key, body, options);
      if (lost.has(key)) return info;
      lost.add(key);
      throw new StoreUnavailableError({ what: 'connection reset', where: key });
    };
  };
  const fileOf = (prefix: string, name: string) => path.join(folder, prefix, name);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-checkpoints-'));
    store = new FileStore(folder);
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('what was written is read back, with its counters', async () => {
    const { writer, newest } = await open();
    assert.equal(newest, null);
    const ref = await writer.write(draft(10), parts(7));
    const found = await newestVerified(store, 'r', warn);
    assert.deepEqual(found?.ref, ref);
    assert.equal(found?.manifest.counters.images, 40);
    assert.deepEqual(found?.parts['G.safetensors'], Buffer.alloc(1000, 7));
    assert.deepEqual(await listSnapshots(store, 'r'), [ref]);
    assert.deepEqual(warnings, []);
  });

  for (const [how, damage] of [
    [
      'a flipped bit in a part',
      async (prefix: string) => {
        const file = fileOf(prefix, partKey('G.safetensors', 1));
        const bytes = await readFile(file);
        bytes[123] = (bytes[123] as number) ^ 1;
        await writeFile(file, bytes);
      },
    ],
    ['a truncated part', (prefix: string) => truncate(fileOf(prefix, partKey('G.safetensors', 1)), 17)],
    ['a missing part', (prefix: string) => rm(fileOf(prefix, partKey('G_ema.safetensors', 1)))],
    ['a torn manifest', (prefix: string) => truncate(fileOf(prefix, 'manifest.json'), 40)],
    ['a missing manifest', (prefix: string) => rm(fileOf(prefix, 'manifest.json'))],
    ['an empty manifest', (prefix: string) => truncate(fileOf(prefix, 'manifest.json'), 0)],
  ] as const) {
    test(`${how} makes the checkpoint before it the newest, with one warning`, async () => {
      const { writer } = await open();
      const good = await writer.write(draft(10), parts(1));
      const bad = await writer.write(draft(20), parts(2));
      await damage(bad.prefix);
      assert.deepEqual((await open(2)).newest?.ref, good);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] as string, /is skipped/);
    });
  }

  test('when nothing is intact the training does not start, and the error names every damage', async () => {
    const { writer } = await open();
    const first = await writer.write(draft(10), parts(1));
    const second = await writer.write(draft(20), parts(1));
    await truncate(fileOf(first.prefix, 'manifest.json'), 3);
    await rm(fileOf(second.prefix, partKey('G.safetensors', 1)));
    const isLost = (error: unknown) =>
      error instanceof CheckpointLostError &&
      /step000000020: G\.claim1\.safetensors is missing; .*step000000010: manifest\.json is torn/.test(
        error.what,
      ) &&
      /back/.test(error.hint ?? '');
    await assert.rejects(open(2), isLost);
    await assert.rejects(open(3), isLost);
    await writeFile(fileOf(second.prefix, partKey('G.safetensors', 1)), parts(1)['G.safetensors']);
    assert.deepEqual((await open(4)).newest?.ref, second);
  });

  test('a training whose checkpoints are gone with their list does not start until they are put back', async () => {
    const ref = await (await open()).writer.write(draft(10), parts(1));
    const away = `${folder}-away`;
    await rename(path.join(folder, RUN), away);
    await assert.rejects(
      open(2, 2, ref),
      (error) => error instanceof CheckpointLostError && error.where === ref.prefix,
    );
    await rename(away, path.join(folder, RUN));
    await rm(path.join(folder, RUN, 'checkpoints.json'));
    assert.deepEqual((await open(3, 2, ref)).newest?.ref, ref);
  });

  test('parts that are put back beside a lost list count again', async () => {
    const ref = await (await open()).writer.write(draft(10), parts(1));
    await rm(path.join(folder, RUN, 'checkpoints.json'));
    const part = fileOf(ref.prefix, partKey('G.safetensors', 1));
    await rename(part, `${folder}-part`);
    await assert.rejects(open(2), CheckpointLostError);
    await rename(`${folder}-part`, part);
    assert.deepEqual((await open(3)).newest?.ref, ref);
  });

  test('a list that was put back from a backup resumes from the older checkpoint, and says what it misses', async () => {
    const { writer } = await open();
    const first = await writer.write(draft(10), parts(1));
    const list = await readFile(path.join(folder, RUN, 'checkpoints.json'));
    const second = await writer.write(draft(20), parts(1));
    await writeFile(path.join(folder, RUN, 'checkpoints.json'), list);
    assert.deepEqual((await open(2, 2, second)).newest?.ref, first);
    assert.match(warnings.join(), /0\.08 kimg.*not in the list/);
  });

  for (const [what, fileIn] of [
    ['a manifest', (prefix: string) => fileOf(prefix, 'manifest.json')],
    ['the list', () => path.join(folder, RUN, 'checkpoints.json')],
  ] as const) {
    test(`${what} of a newer version is neither skipped, rebuilt nor replaced`, async () => {
      const { writer } = await open();
      await writer.write(draft(10), parts(1));
      const { prefix } = await writer.write(draft(20), parts(1));
      const file = fileIn(prefix);
      const newer = (await readFile(file, 'utf8')).replace('"version": 1', '"version": 2');
      await writeFile(file, newer);
      // As a newer version would have: the list holds the checksum of its manifest.
      const list = path.join(folder, RUN, 'checkpoints.json');
      const sums = JSON.parse(await readFile(list, 'utf8')) as {
        checkpoints: { prefix: string; manifestSha256: string }[];
      };
      for (const entry of sums.checkpoints)
        entry.manifestSha256 = sha256(await readFile(fileOf(entry.prefix, 'manifest.json')));
      await writeFile(list, JSON.stringify(sums));
      const before = await readFile(file, 'utf8');
      await assert.rejects(open(2), NewerVersionError);
      await assert.rejects(writer.write(draft(20), parts(2)), NewerVersionError);
      assert.equal(await readFile(file, 'utf8'), before);
    });
  }

  test('a damaged checkpoint is made again by the next attempt under the same prefix', async () => {
    const { writer } = await open();
    await writer.write(draft(10), parts(1));
    const bad = await writer.write(draft(20), parts(2));
    await truncate(fileOf(bad.prefix, partKey('G.safetensors', 1)), 17);
    const { writer: next } = await open(2);
    assert.deepEqual(await next.write(draft(20), parts(2)), bad);
    assert.deepEqual((await newestVerified(store, 'r', warn))?.ref, bad);
  });

  test('the checkpoint that an attempt resumed from takes no memory afterwards', async () => {
    await (await open()).writer.write(draft(10), parts(1));
    const { writer, loaded } = await open(2).then(({ writer, newest }) => {
      assert.ok(newest);
      return { writer, loaded: new WeakRef(newest) };
    });
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    for (let tries = 0; tries < 10 && loaded.deref(); tries++) {
      await breathe();
      collectGarbage();
    }
    assert.equal(loaded.deref(), undefined);
    await writer.write(draft(20), parts(2));
  });

  for (const [how, lose] of [
    ['damaged', (file: string) => truncate(file, 25)],
    ['wiped', (file: string) => truncate(file, 0)],
    ['deleted', (file: string) => rm(file)],
  ] as const) {
    const loseList = () => lose(path.join(folder, RUN, 'checkpoints.json'));

    test(`a ${how} list of checkpoints is rebuilt from the manifests, with one warning`, async () => {
      const { writer } = await open();
      const ref = await writer.write(draft(10), parts(1));
      await loseList();
      const next = await open(2);
      assert.deepEqual(next.newest?.ref, ref);
      assert.ok(next.writer.claim > writer.claim);
      assert.equal(warnings.length, 1);
      assert.match(
        warnings[0] as string,
        /list of checkpoints is (damaged|missing); found by their manifests: 1/,
      );
      await assert.rejects(writer.write(draft(20), parts(1)), StaleAttemptError);
    });

    test(`nothing is lost when the attempt that found a ${how} list ends before it writes`, async () => {
      const { writer } = await open();
      const first = await writer.write(draft(10), parts(1));
      const second = await writer.write(draft(20), parts(2));
      await loseList();
      await open(2);
      const third = await open(3);
      assert.deepEqual(third.newest?.ref, second);
      assert.equal(warnings.length, 1);
      const last = await third.writer.write(draft(30), parts(3));
      assert.deepEqual(await listSnapshots(store, 'r'), [first, second, last]);
    });

    test(`nothing is lost when the answer to the claim on a ${how} list is`, async () => {
      const ref = await (await open()).writer.write(draft(10), parts(1));
      await loseList();
      loseFirstAnswers();
      const second = await openWithRetries(2);
      assert.deepEqual(second.newest?.ref, ref);
      assert.equal(warnings.length, 1);
      assert.deepEqual((await openWithRetries(3)).newest?.ref, ref);
    });

    test(`snapshots and the newest checkpoint are found beside a ${how} list`, async () => {
      const ref = await (await open()).writer.write(draft(10), parts(1));
      await loseList();
      assert.deepEqual(await listSnapshots(store, 'r'), [ref]);
      assert.deepEqual(await newestListed(store, 'r'), ref);
      assert.deepEqual((await newestVerified(store, 'r', warn))?.ref, ref);
    });
  }

  test('a training that has not started has no checkpoints, and there is no warning', async () => {
    assert.equal(await newestVerified(store, 'r', warn), null);
    assert.equal((await open()).writer.claim, 1);
    assert.deepEqual(warnings, []);
  });

  test('an attempt that was overtaken can add no checkpoint, and changes none', async () => {
    const { writer: older } = await open(1);
    await older.write(draft(10), parts(1));
    const { writer: newer } = await open(2);
    const kept = await newer.write(draft(20), parts(2));
    await assert.rejects(older.write(draft(20), parts(9)), StaleAttemptError);
    await assert.rejects(older.write(draft(30), parts(9)), StaleAttemptError);
    await assert.rejects(older.publish('stats.jsonl', Buffer.from('x')), StaleAttemptError);
    const found = await newestVerified(store, 'r', warn);
    assert.deepEqual(found?.ref, kept);
    assert.deepEqual(found?.parts['G.safetensors'], Buffer.alloc(1000, 2));
  });

  test('an attempt that is overtaken between its manifest and its commit is refused', async () => {
    const { writer: older } = await open(1);
    let newer: Opened | undefined;
    const put = store.put.bind(store);
    store.put = async (key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> => {
      const info = await put(key, body, options);
      if (key.endsWith('/manifest.json') && !newer) newer = await open(2);
      return info;
    };
    await assert.rejects(older.write(draft(10), parts(1)), StaleAttemptError);
    assert.equal(newer?.newest, null);
    const ref = await newer?.writer.write(draft(10), parts(2));
    assert.deepEqual((await newestVerified(store, 'r', warn))?.ref, ref);
  });

  test('an attempt that comes late, after a newer one has started, is refused at once', async () => {
    await open(5);
    await assert.rejects(open(4), StaleAttemptError);
  });

  test('of several attempts that claim at the same time one remains able to write', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => open(1)));
    const writers = opened.map(({ writer }) => writer);
    assert.equal(new Set(writers.map(({ claim }) => claim)).size, 5);
    const results = await Promise.allSettled(writers.map((writer) => writer.write(draft(10), parts(1))));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  test('a put that succeeds although its reply is lost is recognized as done', async () => {
    const { writer } = await open();
    const put = store.put.bind(store);
    loseFirstAnswers();
    const { writer: second } = await openWithRetries(2);
    const ref = await second.write(draft(10), parts(1));
    await second.publish('stats.jsonl', Buffer.from('line\n'));
    assert.deepEqual((await newestVerified(store, 'r', warn))?.ref, ref);
    store.put = put;
    await assert.rejects(writer.write(draft(10), parts(1)), StaleAttemptError);
  });

  test('old snapshots keep their EMA weights and manifest, other old checkpoints go', async () => {
    const { writer } = await open(1, 2);
    const first = await writer.write(draft(10, true), parts(1));
    const second = await writer.write(draft(15, false), parts(1));
    await writer.write(draft(20, true), parts(1));
    await writer.write(draft(30, true), parts(1));
    const left: string[] = [];
    for await (const { key } of store.list(RUN)) left.push(key);
    assert.deepEqual(
      left.filter((key) => key.startsWith(first.prefix)).map((key) => key.slice(first.prefix.length)),
      ['G_ema.claim1.safetensors', 'manifest.json'],
    );
    assert.deepEqual(
      left.filter((key) => key.startsWith(second.prefix)),
      [],
    );
    assert.deepEqual(
      (await listSnapshots(store, 'r')).map(({ step }) => step),
      [10, 20, 30],
    );
  });

  test('parts that a killed attempt left are removed by the next one, those of a later claim are not', async () => {
    const { writer } = await open();
    const { prefix } = await writer.write(draft(10), parts(1));
    const unfinished = `${RUN}checkpoint-000000.080-step000000020/`;
    const keys = [`${unfinished}G.claim1.safetensors`, `${unfinished}D.claim9.safetensors`];
    for (const key of keys) await store.put(key, Buffer.from('x'));
    assert.equal((await open(2)).newest?.ref.prefix, prefix);
    const left: string[] = [];
    for await (const { key } of store.list(unfinished)) left.push(key);
    assert.deepEqual(left, [keys[1]]);
    assert.equal((await newestVerified(store, 'r', warn))?.ref.prefix, prefix);
  });

  test('a failed write can be repeated', async () => {
    const { writer } = await open();
    const put = store.put.bind(store);
    let failures = 3;
    store.put = (key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> => {
      if (failures-- > 0) throw new StoreUnavailableError({ what: 'no', where: key });
      return put(key, body, options);
    };
    await assert.rejects(writer.write(draft(10), parts(1)), StoreUnavailableError);
    assert.equal(await newestVerified(store, 'r', warn), null);
    failures = 0;
    await writer.write(draft(10), parts(1));
    assert.equal((await newestVerified(store, 'r', warn))?.ref.step, 10);
  });

  test('keeps the best, the newest and every third snapshot, and deletes the others once they are evaluated', async () => {
    const keepSnapshots = { best: 1, last: 1, every: 3, metric: 'fd', snapshotKimg: 0.004 };
    const options = { attempt: 1, keepCheckpoints: 2, keepSnapshots, expected: null, warn };
    const { writer } = await CheckpointWriter.open(store, RUN, options);
    for (let step = 1; step <= 10; step++) {
      await writer.write(draft(step), parts(step));
      const point = { kimg: step * 0.004, metric: 'fd', value: step === 4 ? 1 : 10 + step };
      // The seventh is not evaluated yet.
      if (step !== 7)
        await store.put(
          `${RUN}curve/${step}.json`,
          Buffer.from(JSON.stringify({ settings: '', points: [point] })),
        );
    }
    const steps = (await listSnapshots(store, 'r')).map(({ step }) => step);
    assert.deepEqual(steps, [3, 4, 6, 7, 9, 10]);
    const manifests: string[] = [];
    for await (const { key } of store.list(RUN)) if (key.endsWith('/manifest.json')) manifests.push(key);
    assert.equal(manifests.length, 6, manifests.join(' '));
  });
});

test('a checkpoint of another configuration is refused with the field, what was given and what is wanted', () => {
  const manifest = { configuration };
  assert.doesNotThrow(() => assertSameConfiguration(structuredClone(configuration), manifest, 'x'));
  const other = { ...configuration, network: { resolution: 32, cmax: 8 } };
  assert.throws(
    () => assertSameConfiguration(other, manifest, 'x'),
    (error) => error instanceof CheckpointError && /network\.resolution = 16.*wants 32/.test(error.message),
  );
  assert.throws(
    () => assertSameConfiguration({ ...configuration, dataset: 'other' }, manifest, 'x'),
    CheckpointError,
  );
  // A checkpoint of an earlier version is of the built-in engine.
  assert.doesNotThrow(() => assertSameConfiguration({ ...configuration, engine: 'tfjs' }, manifest, 'x'));
  assert.throws(
    () => assertSameConfiguration({ ...configuration, engine: 'stylegan3' }, manifest, 'x'),
    (error) => error instanceof CheckpointError && /engine = "tfjs".*wants "stylegan3"/.test(error.message),
  );
});

test('retries end at the time limit with the error of the store', async () => {
  const store = new FileStore('/nonexistent');
  store.head = () => Promise.reject(new StoreUnavailableError({ what: 'no' }));
  await assert.rejects(
    new RetryingStore(store, { limitMs: 5, initialDelayMs: 1 }).head('a'),
    StoreUnavailableError,
  );
  store.head = () => Promise.reject(new PreconditionFailedError({ what: 'no' }));
  await assert.rejects(new RetryingStore(store).head('a'), PreconditionFailedError);
});
