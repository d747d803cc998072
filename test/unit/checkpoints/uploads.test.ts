/** Uploads to a store that is unavailable. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Spool } from '../../../src/checkpoints/spool.js';
import { CheckpointUploads, type UploadEvent } from '../../../src/checkpoints/uploads.js';
import { CheckpointWriter } from '../../../src/checkpoints/writer.js';
import { StoreUnavailableError } from '../../../src/core/errors.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { draft } from '../../support/checkpoint-drafts.js';

describe('uploads while the store is unavailable', () => {
  let folder: string;
  let events: UploadEvent[];
  let waits: boolean[];
  const large = () => ({ 'G.safetensors': new Uint8Array(50e6), 'D.safetensors': new Uint8Array(50e6) });

  /** To a server that nobody listens for. */
  async function uploads(
    spool: Spool,
    limits: { patienceMs?: number; limitMs?: number },
  ): Promise<CheckpointUploads> {
    const claims = new FileStore(path.join(folder, 'claims'));
    const { writer } = await CheckpointWriter.open(claims, 'runs/r/train/', {
      attempt: 1,
      expected: null,
      keepCheckpoints: 2,
      warn: () => undefined,
    });
    events = [];
    waits = [];
    return new CheckpointUploads({
      storeUri: 's3://gist/',
      writer,
      spool,
      pending: [],
      newest: null,
      step: null,
      emit: (event) => void events.push(event),
      onWait: (forRoom) => void waits.push(forRoom),
      ...limits,
    });
  }

  async function untilSaid(what: RegExp): Promise<void> {
    while (!what.test(JSON.stringify(events))) await sleep(20);
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-uploads-'));
    process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:1';
    process.env.AWS_ACCESS_KEY_ID = 'none';
    process.env.AWS_SECRET_ACCESS_KEY = 'none';
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('end on request only when the newest state is on the disk as a whole', async () => {
    const spool = new Spool(path.join(folder, 'spool'));
    const on = await uploads(spool, { patienceMs: 0 });
    on.start({ draft: draft(10), parts: large() });
    assert.equal(await on.settle(() => true), false);
    await on.close();
    const [entry] = await spool.entries();
    assert.ok(entry);
    assert.equal((await spool.load(entry)).ref.step, 10);
    assert.match(JSON.stringify(events), /stays on the disk/);
  });

  test('say that the newest state is lost when the disk does not take it either, and end on request', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const on = await uploads(new Spool(path.join(file, 'spool')), { patienceMs: 0 });
    on.start({ draft: draft(10), parts: large() });
    assert.equal(await on.untilIdle(() => true), false);
    assert.equal(await on.settle(() => true), false);
    await on.close();
    assert.match(JSON.stringify(events), /neither the store nor the disk .* is lost/);
    assert.doesNotMatch(JSON.stringify(events), /stays on the disk/);
  });

  test('take the next state once there is space on the disk again, while the store is still unavailable', async () => {
    const file = path.join(folder, 'full');
    await writeFile(file, '');
    const spool = new Spool(path.join(file, 'spool'));
    const on = await uploads(spool, {});
    on.start({ draft: draft(10), parts: large() });
    await untilSaid(/"storage".*Neither the store .* nor the disk .* in memory only/);
    assert.equal(on.idle, false);
    await rm(file);
    assert.equal(await on.untilIdle(() => false), true);
    assert.match(JSON.stringify(events.at(-1)), /"storage".*they wait on this disk/);
    assert.ok(waits.includes(true) && waits.at(-1) === false);
    on.start({ draft: draft(20), parts: large() });
    await on.untilIdle(() => false);
    await on.close();
    assert.deepEqual(
      (await spool.entries()).map(({ step }) => step),
      [10, 20],
    );
  });

  test('are not waited for without limit, and the state stays on the disk', async () => {
    const spool = new Spool(path.join(folder, 'limited'));
    const on = await uploads(spool, { limitMs: 0 });
    on.start({ draft: draft(10), parts: large() });
    await assert.rejects(
      on.settle(() => false),
      StoreUnavailableError,
    );
    await on.close();
    assert.equal((await spool.entries()).length, 1);
  });
});
