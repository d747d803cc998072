/** Results of weights are not reused after other weights have replaced them at the same address. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createGenerateActivities } from '../../../src/activities/generate.js';
import { createRunActivities } from '../../../src/activities/run.js';
import { readWeights, writeWeights } from '../../../src/weights/import.js';
import { encodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { generateSchema } from '../../../src/spec/generate.js';
import { openStore } from '../../../src/storage/index.js';
import { TINY_CONFIG, tinyWeights } from '../../support/tiny-weights.js';

const root = await mkdtemp(path.join(tmpdir(), 'gist-replaced-'));
after(() => rm(root, { recursive: true, force: true }));
const store = openStore(root);
const prefix = 'weights/knee/';
const generate = generateSchema.parse({ count: 8 });
const checkpoint = { prefix, kimg: 0, step: 0 };
// Neither activity computes anything here.
const fail = () => assert.fail('nothing is computed');
const compute = { run: fail, lendDevice: fail };
const { planGeneration } = createGenerateActivities({ store, compute });
const { findStage, recordStage } = createRunActivities({ store });

const importWeights = (seed: number) =>
  writeWeights(store, prefix, readWeights(encodeSafetensors(tinyWeights(TINY_CONFIG, seed)), 'knee'));
const plan = (at: string) =>
  new MockActivityEnvironment().run(planGeneration, {
    runId: 'r',
    checkpoint: { ...checkpoint, prefix: at },
    dataset: null,
    generate,
  });
const digest = async () => ((await plan(prefix)) as { digest: string }).digest;

test('equal weights at an address give the same synthetic set, and other weights a different one', async () => {
  await importWeights(5);
  const first = await digest();
  await importWeights(6);
  assert.notEqual(await digest(), first);
  await importWeights(5);
  assert.equal(await digest(), first);
});

test('a finished generation is only reused while the weights are the same', async () => {
  const lookup = {
    runId: 'a',
    stage: 'generate' as const,
    inputs: [prefix],
    settings: generate,
    reuse: true,
  };
  await importWeights(5);
  const result = { stage: 'generate' as const, prefix: 'runs/a/generate/1/', digest: '1', images: 8 };
  await recordStage({ ...lookup, result });
  assert.deepEqual(await findStage({ ...lookup, runId: 'b' }), result);
  await importWeights(6);
  assert.equal(await findStage({ ...lookup, runId: 'b' }), null);
});

test('an address without weights is refused', async () => {
  await assert.rejects(
    plan('nothing/'),
    (error) =>
      error instanceof ApplicationFailure && error.type === 'CheckpointError' && error.nonRetryable === true,
  );
});
