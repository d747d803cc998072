/**
 * Checkpoints that are corrupt, missing or of another training, and invalid requests to a
 * generator.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { CheckpointRef } from '../../../src/spec/results.js';
import { assertNothingFinal, assertTriedOnce, failureOf } from '../../support/failed-runs.js';
import { GistUser } from '../../support/gist.js';
import { assertRefused } from '../../support/refusals.js';
import { Rig, TINY_TRAIN } from '../../support/rig.js';

let rig: Rig;
let user: GistUser;
let spec: PipelineInput;
let checkpoint: CheckpointRef;

before(async () => {
  rig = await Rig.start();
  user = await GistUser.create(rig.env);
  spec = {
    name: 'trained',
    stages: ['preprocess', 'train'],
    cache: false,
    preprocess: { source: await rig.phantoms(20), resolution: 16 },
    train: { ...TINY_TRAIN, kimg: 0.08, snapshotKimg: 0.08 },
  };
  await rig.startRun('trained', spec);
  const { stages } = await rig.result('trained');
  assert.ok(stages.train);
  checkpoint = stages.train.checkpoint;
  await copyCorrupted('corrupt/');
});

after(async () => {
  await user.leave();
  await rig.stop();
});

/** A copy of the checkpoint whose generator has one changed byte. */
async function copyCorrupted(prefix: string): Promise<void> {
  for await (const { key } of rig.store.list(checkpoint.prefix)) {
    const bytes = Buffer.from(await rig.store.get(key));
    if (key.includes('G_ema')) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await rig.store.put(`${prefix}${key.slice(checkpoint.prefix.length)}`, bytes);
  }
}

const generateFrom = (from: PipelineInput['from'], generate: object = {}): PipelineInput => ({
  name: 'bad',
  stages: ['generate'],
  from,
  generate: { count: 4, ...generate },
});

interface BadFrom {
  /** Completes the sentence "a run fails without a retry if ...". */
  problem: string;
  spec(): PipelineInput;
  type: string;
  message: RegExp;
}

const RUNS: BadFrom[] = [
  {
    problem: 'its checkpoint is corrupt',
    spec: () => generateFrom({ checkpoint: 'corrupt/' }),
    type: 'CheckpointError',
    message: /corrupt\/G_ema.*safetensors/,
  },
  {
    problem: 'its checkpoint does not exist',
    spec: () => generateFrom({ checkpoint: 'nothing/' }),
    type: 'SpecError',
    message: /from\.checkpoint: there is no valid manifest at nothing\/manifest\.json/,
  },
  {
    problem: 'its checkpoint is in another store',
    spec: () => generateFrom({ checkpoint: 's3://others/checkpoint/' }),
    type: 'SpecError',
    message: /is outside of this deployment's store/,
  },
  {
    problem: 'the run that it continues does not exist',
    spec: () => generateFrom('nobody'),
    type: 'SpecError',
    message: /from: there is no run "nobody"/,
  },
  {
    problem: 'the generator does not have the requested class',
    spec: () => generateFrom({ checkpoint: checkpoint.prefix }, { classes: ['grade-9'] }),
    type: 'SpecError',
    message: /generate\.classes: the generator has no class "grade-9"/,
  },
];

for (const [i, { problem, spec, type, message }] of RUNS.entries()) {
  test(`a run fails without a retry if ${problem}`, async () => {
    const runId = `from-${i}`;
    const failure = await failureOf(rig, runId, spec());
    assert.equal(failure.type, type, failure.message);
    assert.equal(failure.nonRetryable, true);
    assert.match(failure.message, message);
    await assertTriedOnce(rig, runId);
    await assertNothingFinal(rig, runId);
  });
}

test('a training does not resume from checkpoints of another configuration, and does not change them', async () => {
  const before = await rig.newestCheckpoint('trained');
  const failure = await failureOf(rig, 'trained', { ...spec, train: { ...spec.train, cmax: 8 } });
  assert.equal(failure.type, 'CheckpointError', failure.message);
  assert.equal(failure.nonRetryable, true);
  assert.match(failure.message, /was written with network\.\w+ = .*, this training wants/);
  assert.deepEqual(await rig.newestCheckpoint('trained'), before);
});

test('`gist generate` refuses a corrupt checkpoint and writes no image', async () => {
  const outcome = await user.gist('generate', '--checkpoint', 's3://gist/corrupt/', '--seeds', '0', '--json');
  assertRefused(outcome, { type: 'CheckpointError', code: 4, says: /G_ema/ });
  assert.equal(existsSync(path.join(user.folder, 'synthetic')), false);
});

test('`gist generate` refuses a class that the generator does not have, and writes no image', async () => {
  const args = ['--checkpoint', checkpoint.prefix, '--class', 'grade-9', '--seeds', '0'];
  const outcome = await user.gist('generate', ...args, '--json');
  assertRefused(outcome, { type: 'UsageError', code: 2, says: /the generator has no class "grade-9"/ });
  assert.equal(existsSync(path.join(user.folder, 'synthetic')), false);
});
