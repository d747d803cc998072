/** Uploads to a store that is unavailable. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Spool } from '../../../src/checkpoints/spool.js';
import { CheckpointUploads, type UploadEvent } from '../../../src/checkpoints/uploads.js';
import { CheckpointWriter } from '../../../src/checkpoints/writer.js';
import { StoreUnavailableError } from '../../../src/core/errors.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { draft } from '../../support/checkpoint-drafts.js';

describe('uploads while the store is unavailable', () => {
  let folder: string;
  let events: UploadEvent[];
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
    return new CheckpointUploads({
      storeUri: 's3://gist/',
      writer,
      spool,
      pending: [],
      newest: null,
      step: null,
      emit: (event) => void events.push(event),
      onWait: () => undefined,
      ...limits,
    });
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
