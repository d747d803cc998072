/** What a retry may change of a run that has a checkpoint. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CheckpointWriter } from '../../../src/checkpoints/writer.js';
import { changeSpec } from '../../../src/cli/spec-file.js';
import { refuseOtherTraining } from '../../../src/client/retry-changes.js';
import { SpecError } from '../../../src/core/errors.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { draft, parts } from '../../support/checkpoint-drafts.js';

const CHECKPOINT = {
  network: { cfg: 'stylegan2', resolution: 16, half: null },
  training: { batch: 4, gamma: 1.5, aug: 'ada' },
  dataset: 'abc',
};

let folder: string;
let store: FileStore;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-retry-'));
  store = new FileStore(folder);
  const opened = await CheckpointWriter.open(store, 'runs/r/train/', {
    attempt: 1,
    keepCheckpoints: 2,
    expected: null,
    warn: () => undefined,
  });
  await opened.writer.write({ ...draft(10), configuration: CHECKPOINT }, parts(7));
});

after(() => rm(folder, { recursive: true, force: true }));

function retryWith(change: string, { runId = 'r', batch = 4, engine = 'tfjs' } = {}): Promise<void> {
  const train = {
    batch,
    engine,
    ...(engine === 'stylegan3' && { cfg: 'stylegan2', stylegan3: { gpus: 2 } }),
  };
  const recorded = changeSpec({ name: 'r', preprocess: { source: folder }, train }, {});
  const changed = changeSpec(recorded, { set: [change] });
  return refuseOtherTraining(store, runId, { recorded, changed, keys: [change.split('=')[0] ?? ''] });
}

test('settings that the checkpoints were trained with are refused, with those that may change', async () => {
  for (const change of ['batch=8', 'batchGpu=2', 'gamma=3', 'cbase=256', 'aug=none'])
    await assert.rejects(retryWith(`train.${change}`), SpecError, change);
  await assert.rejects(
    retryWith('train.batch=8'),
    /train\.batch: .* trained with 4, .*may change kimg, stopWhen/,
  );
  await assert.rejects(retryWith('train.stylegan3.fp32=true', { engine: 'stylegan3' }), /train\.stylegan3: /);
  await assert.rejects(retryWith('preprocess.resolution=32'), /preprocess\.resolution: /);
});

test('the length, snapshots, other stages and what only distributes the work may change', async () => {
  for (const change of [
    'train.kimg=50000',
    'train.stopWhen.patience=9',
    'train.threads=1',
    'generate.count=4',
  ])
    await retryWith(change);
  await retryWith('train.batchGpu=2', { engine: 'stylegan3' });
});

test('a value that the checkpoints have is accepted, also when the spec had lost it', async () => {
  for (const change of ['train.batch=4', 'train.gamma=1.5', 'train.aug=ada', 'train.cfg=auto'])
    await retryWith(change, { batch: 8 });
  await retryWith('train.precision=float32');
});

test('without a checkpoint everything may change', () => retryWith('train.batch=8', { runId: 'other' }));
