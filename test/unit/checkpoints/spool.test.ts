/** The spool of states that the store does not have yet. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { StoreError, StoreUnavailableError } from '../../../src/core/errors.js';
import { partKey } from '../../../src/checkpoints/manifest.js';
import { dropStored, dropUnfinished, findSpooled, Spool } from '../../../src/checkpoints/spool.js';
import { draft, parts } from '../../support/checkpoint-drafts.js';

const OWNER = { training: 't', claim: 1 };

describe('a spool', () => {
  let folder: string;
  let spool: Spool;
  const add = (step: number) => spool.add({ draft: draft(step), parts: parts(step) }, OWNER);
  const steps = async () => (await spool.entries()).map(({ step }) => step);
  const fileOf = (prefix: string, name: string) => path.join(spool.folder, prefix, name);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-spool-'));
    spool = new Spool(path.join(folder, 'spool', 'run', 't'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('gives back its states in order, can be read by its user only, and is gone when it is empty', async () => {
    for (const step of [20, 10]) await add(step);
    assert.equal((await stat(path.join(folder, 'spool'))).mode & 0o777, 0o700);
    const { pending, newest } = await findSpooled(spool, 0);
    assert.deepEqual(
      pending.map(({ step }) => step),
      [10, 20],
    );
    assert.equal(newest?.manifest.training, 't');
    assert.deepEqual(newest?.parts['G.safetensors'], Buffer.from(parts(20)['G.safetensors']));
    for (const entry of pending) await spool.remove(entry);
    assert.deepEqual(await readdir(folder), []);
  });

  test('drops states that the store has, or has newer ones than, and those that were never finished', async () => {
    for (const step of [10, 20, 30, 40]) await add(step);
    const unfinished = (await spool.entries()).at(-1)?.prefix ?? '';
    await rm(fileOf(unfinished, 'manifest.json'));
    await dropStored(spool, 20);
    await dropUnfinished(spool);
    assert.deepEqual(await steps(), [30]);
    assert.deepEqual((await spool.prefixes()).length, 1);
    await dropStored(spool, 30);
    assert.deepEqual(await readdir(folder), []);
  });

  test('leaves out a damaged state, and keeps it and all newer ones', async () => {
    for (const step of [10, 20, 30, 40]) await add(step);
    const [, second, , fourth] = await spool.entries();
    await truncate(fileOf(second?.prefix ?? '', partKey('G.safetensors', 1)), 5);
    await truncate(fileOf(fourth?.prefix ?? '', 'manifest.json'), 5);
    await dropUnfinished(spool);
    const { pending, newest, damaged } = await findSpooled(spool, 0);
    assert.deepEqual(
      pending.map(({ step }) => step),
      [10, 30],
    );
    assert.equal(newest?.ref.step, 30);
    assert.deepEqual(damaged, [second?.prefix, fourth?.prefix]);
    assert.equal((await spool.prefixes()).length, 4);
  });

  test('on a disk that takes nothing says why, although nothing can be removed either', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const state = { draft: draft(10), parts: parts(1) };
    await assert.rejects(new Spool(path.join(file, 'spool')).add(state, OWNER), StoreError);
  });

  test('on a full disk keeps nothing of a state, and says which disk and how much is needed', async (t) => {
    const disk = path.join(folder, 'disk');
    await mkdir(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0)
      return t.skip('only root may make a small disk');
    try {
      const full = new Spool(path.join(disk, 'spool'));
      await assert.rejects(
        full.add({ draft: draft(10), parts: parts(1) }, OWNER),
        (error) =>
          error instanceof StoreUnavailableError &&
          error.where === full.folder &&
          /are needed, .* are free.*GIST_DATA_CACHE/.test(error.message),
      );
      assert.deepEqual(await readdir(disk), []);
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  test('of one training is another one for each server and run', () => {
    const usual = process.env.AWS_ENDPOINT_URL;
    const folders = ['http://127.0.0.1:1', 'http://127.0.0.1:2'].map((endpoint) => {
      process.env.AWS_ENDPOINT_URL = endpoint;
      return Spool.of('s3://gist/', 'r', 't').folder;
    });
    if (usual === undefined) delete process.env.AWS_ENDPOINT_URL;
    else process.env.AWS_ENDPOINT_URL = usual;
    assert.notEqual(folders[0], folders[1]);
    assert.notEqual(Spool.of('s3://gist/', 'r', 't').folder, Spool.of('s3://gist/', 'r2', 't').folder);
  });
});
