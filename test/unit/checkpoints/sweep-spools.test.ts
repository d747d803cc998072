/** States on this disk of runs that have continued elsewhere or were deleted. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { trainPrefix } from '../../../src/checkpoints/manifest.js';
import { Spool } from '../../../src/checkpoints/spool.js';
import { sweepSpools } from '../../../src/checkpoints/sweep-spools.js';
import { CheckpointWriter } from '../../../src/checkpoints/writer.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { draft, parts } from '../../support/checkpoint-drafts.js';

const usual = process.env.GIST_DATA_CACHE;
const MONTH_MS = 31 * 24 * 60 * 60_000;
let folder: string;
let store: FileStore;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-sweep-'));
  process.env.GIST_DATA_CACHE = path.join(folder, 'cache');
  store = new FileStore(path.join(folder, 'store'));
});
after(async () => {
  if (usual === undefined) delete process.env.GIST_DATA_CACHE;
  else process.env.GIST_DATA_CACHE = usual;
  await rm(folder, { recursive: true, force: true });
});

async function spooled(runId: string, training: string, step: number): Promise<Spool> {
  const spool = Spool.of(store.uri, runId, training);
  await spool.add({ draft: draft(step), parts: parts(step) }, { training, claim: 1 });
  return spool;
}

async function writerOf(runId: string): Promise<CheckpointWriter> {
  const options = { attempt: 1, keepCheckpoints: 2, expected: null, warn: () => undefined };
  return (await CheckpointWriter.open(store, trainPrefix(runId), options)).writer;
}

test('states go once the store has newer ones; what it does not have stays however old', async () => {
  const writer = await writerOf('elsewhere');
  const spool = await spooled('elsewhere', writer.training, 20);
  await writer.write(draft(10), parts(10));
  await sweepSpools(store, store.uri, Date.now() + MONTH_MS);
  assert.equal((await spool.entries()).length, 1);
  await writer.write(draft(30), parts(30));
  await sweepSpools(store, store.uri);
  assert.deepEqual(await spool.entries(), []);
});

test('states of a deleted run, also when a new one has its name, go after a month', async () => {
  await writerOf('renewed');
  const spools = [await spooled('deleted', 'a', 20), await spooled('renewed', 'b', 20)];
  const left = async () => (await Promise.all(spools.map((spool) => spool.entries()))).flat().length;
  await sweepSpools(store, store.uri);
  assert.equal(await left(), 2);
  await sweepSpools(store, store.uri, Date.now() + MONTH_MS);
  assert.equal(await left(), 0);
});
