/** The state that an attempt resumes from: in the store, or on the disk of this machine. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { partKey, trainPrefix } from '../../../src/checkpoints/manifest.js';
import { Spool } from '../../../src/checkpoints/spool.js';
import { CheckpointLostError } from '../../../src/core/errors.js';
import { trainSchema } from '../../../src/spec/train.js';
import type { CheckpointRef } from '../../../src/spec/results.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { openCheckpoints } from '../../../src/training/resume.js';
import { draft, parts } from '../../support/checkpoint-drafts.js';

describe('an attempt at a training', () => {
  const usual = process.env.GIST_DATA_CACHE;
  let folder: string;
  let store: FileStore;
  let warnings: string[];
  let attempt: number;
  const open = (expected: CheckpointRef | null = null) => {
    const train = trainSchema.parse({ kimg: 1 });
    const dataset = { prefix: 'datasets/d/', digest: 'd' };
    const job = { storeUri: store.uri, runId: 'r', dataset, train, targetKimg: 1, expected };
    return openCheckpoints(store, { ...job, attempt: ++attempt }, (message) => void warnings.push(message));
  };
  const spool = async (training: string, step: number) => {
    const on = Spool.of(store.uri, 'r', training);
    const entry = await on.add({ draft: draft(step), parts: parts(step) }, { training, claim: 1 });
    return path.join(on.folder, entry.prefix);
  };
  const listFile = () => path.join(folder, 'store', trainPrefix('r'), 'checkpoints.json');
  const loseTheRun = () => rm(path.join(folder, 'store', 'runs', 'r'), { recursive: true });

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-resume-'));
    process.env.GIST_DATA_CACHE = path.join(folder, 'cache');
    store = new FileStore(path.join(folder, 'store'));
    await store.put('runs/another/run.json', Buffer.from('{}'));
    warnings = [];
    attempt = 0;
  });
  afterEach(async () => {
    if (usual === undefined) delete process.env.GIST_DATA_CACHE;
    else process.env.GIST_DATA_CACHE = usual;
    await rm(folder, { recursive: true, force: true });
  });

  test('resumes from a newer state on this disk, under the name that it will have in the store', async () => {
    const { writer } = await open();
    await writer.write(draft(10), parts(10));
    await spool(writer.training, 20);
    const { newest, resumption } = await open();
    assert.match(newest?.ref.prefix ?? '', /^runs\/r\/train\/checkpoint-.*step000000020\/$/);
    assert.equal(resumption.stored?.step, 10);
    assert.match(warnings.join(), /on this machine's disk/);
  });

  test('uses no state of a deleted run of the same name, and leaves it on the disk', async () => {
    const deleted = (await open()).writer.training;
    await spool(deleted, 20);
    await loseTheRun();
    const { newest, writer } = await open();
    assert.equal(newest, null);
    assert.notEqual(writer.training, deleted);
    assert.match(warnings.join(), /state at step 20 .* stays unused/);
    assert.equal((await Spool.of(store.uri, 'r', deleted).entries()).length, 1);
  });

  test('without an intact state anywhere does not start from scratch', async () => {
    const { writer } = await open();
    await truncate(path.join(await spool(writer.training, 20), partKey('G.safetensors', 1)), 5);
    await assert.rejects(open(), CheckpointLostError);
    await spool(writer.training, 30);
    assert.equal((await open()).newest?.ref.step, 30);
    assert.match(warnings.join(), /step000000020 on this machine's disk is damaged/);
  });

  test('resumes from this disk where the store has lost everything that the run knows of', async () => {
    const { writer } = await open();
    const known = await writer.write(draft(10), parts(10));
    await spool(writer.training, 20);
    await loseTheRun();
    const opened = await open(known);
    assert.equal(opened.newest?.ref.step, 20);
    assert.equal(opened.writer.training, writer.training);
  });

  test('resumes from this disk where all checkpoints in the store are damaged', async () => {
    const { writer } = await open();
    const { prefix } = await writer.write(draft(10), parts(10));
    await truncate(path.join(folder, 'store', prefix, 'manifest.json'), 5);
    await assert.rejects(open(), CheckpointLostError);
    await spool(writer.training, 20);
    assert.equal((await open()).newest?.ref.step, 20);
  });

  test('continues a list of an earlier version, which does not name the training', async () => {
    const { writer } = await open();
    await writer.write(draft(10), parts(10));
    const { training: _training, ...earlier } = JSON.parse(await readFile(listFile(), 'utf8'));
    await writeFile(listFile(), JSON.stringify(earlier));
    const opened = await open();
    assert.equal(opened.newest?.ref.step, 10);
    assert.equal(opened.writer.training, writer.training);
  });

  test('finds the name of the training in its checkpoints when the list is lost', async () => {
    const { writer } = await open();
    await writer.write(draft(10), parts(10));
    await spool(writer.training, 20);
    await rm(listFile());
    assert.equal((await open()).newest?.ref.step, 20);
  });
});
