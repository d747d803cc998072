/** A training whose object store is unavailable for some time. */
import assert from 'node:assert/strict';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listSnapshots } from '../../src/checkpoints/index.js';
import { Spool, spoolFolder } from '../../src/checkpoints/spool.js';
import { CheckpointError, TrainerCrashError } from '../../src/core/errors.js';
import { superviseTrainer } from '../../src/training/index.js';
import { openStore } from '../../src/storage/index.js';
import { RetryingStore } from '../../src/storage/retrying-store.js';
import { WAITING_FOR_ROOM } from '../../src/spec/controls.js';
import { fillDisk, smallDisk } from '../support/small-disk.js';
import { type TinyTraining, timelessStats, tinyTraining, weights } from '../support/tiny-training.js';
import { type Seaweed, startSeaweed } from '../support/seaweed.js';

describe('a training on a real S3 server', () => {
  let server: Seaweed;
  let tiny: TinyTraining;

  before(async () => {
    server = await startSeaweed();
    server.applyEnv();
    const store = openStore(`s3://${server.bucket}/`);
    // The server answers a moment before its bucket is made.
    for (
      let tries = 0;
      tries < 50 &&
      !(await store.head('x').then(
        () => true,
        () => false,
      ));
      tries++
    )
      await sleep(100);
    // A server that is restarted answers with errors for a moment.
    tiny = await tinyTraining(new RetryingStore(store));
  });
  after(async () => {
    await tiny?.remove();
    await server?.stop();
  });

  test('waits until a killed server is restarted, and ends with the bytes of an uninterrupted one', async () => {
    await superviseTrainer(tiny.job('uninterrupted'));
    let outage: Promise<void> | undefined;
    let afterwards = 0;
    const outcome = await superviseTrainer(tiny.job('outage'), {
      onEvent: (event) => {
        if (event.type === 'started') outage ??= goAway();
        if (event.type === 'checkpoint' && outage) afterwards++;
      },
    });
    await outage;
    assert.equal(outcome.type, 'done');
    assert.ok(afterwards > 0);
    assert.deepEqual(await weights(tiny.store, 'outage'), await weights(tiny.store, 'uninterrupted'));
    assert.deepEqual(
      await timelessStats(tiny.store, 'outage'),
      await timelessStats(tiny.store, 'uninterrupted'),
    );
  });

  test('computes on while the server is away, and a kill meanwhile loses nothing that was captured', async () => {
    const job = () => tiny.job('killed');
    let pid = 0;
    let outage: Promise<void> | undefined;
    const crashed = superviseTrainer(job(), {
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onEvent: ({ type }) => {
        if (type === 'started') outage ??= server.kill();
      },
    });
    // Two snapshots are kept on this disk, of which the server has none.
    const killed = untilSpooled('killed', 40).finally(() => process.kill(-pid, 'SIGKILL'));
    await assert.rejects(crashed, TrainerCrashError);
    const spool = await killed;
    await outage;
    assert.equal((await stat(spool.folder)).mode & 0o777, 0o700);
    await server.restart();
    assert.deepEqual(await listSnapshots(tiny.store, 'killed'), []);

    let started: { resumedFrom: { step: number } | null; warnings: string[] } | undefined;
    const outcome = await superviseTrainer(job(), {
      onEvent: (event) => {
        if (event.type === 'started') started = event;
      },
    });
    assert.equal(outcome.type, 'done');
    assert.ok((started?.resumedFrom?.step ?? 0) >= 40);
    assert.match(started?.warnings.join() ?? '', /on this machine's disk/);
    assert.deepEqual(await weights(tiny.store, 'killed'), await weights(tiny.store, 'uninterrupted'));
    assert.deepEqual(
      await timelessStats(tiny.store, 'killed'),
      await timelessStats(tiny.store, 'uninterrupted'),
    );
    assert.deepEqual(
      (await listSnapshots(tiny.store, 'killed')).map(({ step }) => step),
      [20, 40, 60],
    );
    await assert.rejects(stat(spool.folder), { code: 'ENOENT' });
  });

  test('that is stopped while the server is away ends, and the next attempt resumes at that step', async () => {
    const stop = new AbortController();
    let outage: Promise<void> | undefined;
    const stopped = superviseTrainer(tiny.job('stopped'), {
      signal: stop.signal,
      onEvent: ({ type }) => {
        if (type === 'started') outage ??= server.kill();
      },
    });
    const spool = await untilSpooled('stopped', 20);
    stop.abort();
    assert.deepEqual(await stopped, { type: 'stopped', checkpoint: null });
    await outage;
    await server.restart();
    const newest = (await spool.entries()).at(-1);
    // A retry with other settings is refused, and leaves the only copy where it is.
    await assert.rejects(superviseTrainer(tiny.job('stopped', { spec: { cmax: 4 } })), CheckpointError);
    assert.deepEqual((await spool.entries()).at(-1), newest);
    let resumedFrom: number | undefined;
    await superviseTrainer(tiny.job('stopped'), {
      onEvent: (event) => {
        if (event.type === 'started') resumedFrom = event.resumedFrom?.step;
      },
    });
    assert.equal(resumedFrom, newest?.step);
    assert.deepEqual(await weights(tiny.store, 'stopped'), await weights(tiny.store, 'uninterrupted'));
  });

  test('waits while the server is away and its disk full, says so, and computes on once there is space', async (t) => {
    const cache = await smallDisk(t, '64m');
    if (!cache) return t.skip('only root may make a small disk');
    const filler = path.join(cache, 'filler');
    let isAway: Promise<unknown> | undefined;
    const seen: string[] = [];
    let freed: Promise<void> | undefined;
    const outcome = await superviseTrainer(tiny.job('full'), {
      env: { GIST_DATA_CACHE: cache },
      onEvent: (event) => {
        if (event.type === 'started') isAway ??= Promise.all([server.kill(), fillDisk(cache, filler)]);
        if (event.type === 'storage' && event.message) seen.push(event.message);
        if (event.type === 'alive' && event.operation === WAITING_FOR_ROOM)
          freed ??= rm(filler).then(() => untilCheckpoint(cache, 60).then(() => server.restart()));
      },
    });
    await isAway;
    await freed;
    assert.ok(freed, 'it has waited');
    assert.equal(outcome.type, 'done');
    assert.match(
      seen.join('\n'),
      /^Neither the store .* nor the disk .* only: .*no space left on the disk.* are needed, .* are free/m,
    );
    assert.match(seen.at(-1) ?? '', /they wait on this disk/);
    assert.deepEqual(await weights(tiny.store, 'full'), await weights(tiny.store, 'uninterrupted'));
    assert.deepEqual(
      (await listSnapshots(tiny.store, 'full')).map(({ step }) => step),
      [20, 40, 60],
    );
  });

  /** The spool of a run once it has a state of that step. */
  async function untilSpooled(runId: string, step: number): Promise<Spool> {
    for (;;) {
      const [training] = await readdir(path.join(spoolFolder(tiny.store.uri), runId)).catch(() => []);
      const spool = Spool.of(tiny.store.uri, runId, training ?? '');
      if (training && ((await spool.entries()).at(-1)?.step ?? 0) >= step) return spool;
      await sleep(20);
    }
  }

  /** Until a folder has the checkpoint of that step, while no server does. */
  async function untilCheckpoint(folder: string, step: number): Promise<void> {
    const manifest = new RegExp(`step0*${step}/manifest\\.json$`);
    const isThere = (names: string[]) => names.some((name) => manifest.test(name));
    // A folder that is removed while it is read is read again.
    const read = () => readdir(folder, { recursive: true }).catch(() => []);
    while (!isThere(await read())) await sleep(50);
  }

  async function goAway(): Promise<void> {
    await server.kill();
    await sleep(6_000);
    await server.restart();
  }
});
