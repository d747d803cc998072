/** The spool of states that the store does not have yet. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { partKey } from '../../../src/checkpoints/manifest.js';
import { findSpooled, Spool } from '../../../src/checkpoints/spool.js';
import { draft, parts } from '../../support/checkpoint-drafts.js';

describe('a spool', () => {
  let folder: string;
  let spool: Spool;
  let warnings: string[];
  const add = (step: number, claim = 1) => spool.add({ draft: draft(step), parts: parts(step) }, claim);
  const find = (options: Partial<Parameters<typeof findSpooled>[2]> = {}) =>
    findSpooled(spool, 'r', {
      step: 0,
      claim: 2,
      isSame: () => true,
      warn: (message) => void warnings.push(message),
      ...options,
    });
  const steps = async () => (await spool.entries()).map(({ step }) => step);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-spool-'));
    spool = new Spool(path.join(folder, 'spool', 'a'));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('gives back its states in order, can be read by its user only, and is gone when it is empty', async () => {
    for (const step of [20, 10]) await add(step);
    assert.equal((await stat(path.join(folder, 'spool'))).mode & 0o777, 0o700);
    const { pending, newest } = await find();
    assert.deepEqual(
      pending.map(({ step }) => step),
      [10, 20],
    );
    assert.match(newest?.ref.prefix ?? '', /^runs\/r\/train\/checkpoint-.*step000000020\/$/);
    assert.deepEqual(newest?.parts['G.safetensors'], Buffer.from(parts(20)['G.safetensors']));
    assert.equal(warnings.length, 1);
    for (const entry of pending) await spool.remove(entry);
    assert.deepEqual(await readdir(path.join(folder, 'spool')), []);
  });

  test('drops states that the store has, or has newer ones than', async () => {
    for (const step of [10, 20, 30]) await add(step);
    assert.equal((await find({ step: 20 })).newest?.ref.step, 30);
    assert.deepEqual(await steps(), [30]);
    assert.equal((await find({ step: 30 })).newest, null);
    assert.deepEqual(await steps(), []);
    assert.equal(warnings.length, 1);
  });

  test('drops states of another configuration, and of a deleted run of the same name', async () => {
    await add(10);
    assert.equal((await find({ isSame: () => false })).newest, null);
    await add(10, 7);
    assert.equal((await find({ claim: 1 })).newest, null);
    assert.deepEqual(await steps(), []);
  });

  test('ends before a state that is damaged, so that no snapshot is left out', async () => {
    for (const step of [10, 20, 30]) await add(step);
    const [, second] = await spool.entries();
    await truncate(path.join(spool.folder, second?.prefix ?? '', partKey('G.safetensors', 1)), 5);
    assert.equal((await find()).newest?.ref.step, 10);
    assert.deepEqual(await steps(), [10]);
  });

  test('of one run is another one for each server', () => {
    const usual = process.env.AWS_ENDPOINT_URL;
    const folders = ['http://127.0.0.1:1', 'http://127.0.0.1:2'].map((endpoint) => {
      process.env.AWS_ENDPOINT_URL = endpoint;
      return Spool.of('s3://gist/', 'r').folder;
    });
    if (usual === undefined) delete process.env.AWS_ENDPOINT_URL;
    else process.env.AWS_ENDPOINT_URL = usual;
    assert.notEqual(folders[0], folders[1]);
    assert.notEqual(Spool.of('s3://gist/', 'r').folder, Spool.of('s3://gist/', 'r2').folder);
  });
});
