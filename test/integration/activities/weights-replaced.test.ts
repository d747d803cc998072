/** Results of weights are not reused after other weights have replaced them at the same address. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createGenerateActivities } from '../../../src/activities/generate.js';
import { createRunActivities } from '../../../src/activities/run.js';
import { readWeights, writeWeights } from '../../../src/weights/import.js';
import { encodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { evaluateSchema } from '../../../src/spec/evaluate.js';
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

test('metrics are only reused while the weights of their extractor are the same', async () => {
  process.env.GIST_DATA_CACHE = path.join(root, 'cache');
  const importExtractor = async (digit: string) => {
    const record = { sha256: digit.repeat(64), file: 'inception.pth', published: false };
    await mkdir(path.join(root, 'cache', 'classifiers'), { recursive: true });
    await writeFile(path.join(root, 'cache', 'classifiers', 'inception.json'), JSON.stringify(record));
  };
  const lookup = {
    runId: 'e',
    stage: 'evaluate' as const,
    inputs: ['dataset', 'synthetic'],
    settings: evaluateSchema.parse({ extractor: 'inception', metrics: ['fid50k_full'] }),
    reuse: true,
  };
  await assert.rejects(findStage(lookup), { name: 'SetupError' });
  await importExtractor('a');
  const result = {
    stage: 'evaluate' as const,
    prefix: 'runs/e/evaluate/1/',
    metrics: { 'fid50k_full.holdout': 12 },
    extractors: { inception: `inception-v1-${'a'.repeat(12)}` },
    report: 'runs/e/evaluate/1/report.html',
  };
  // Other weights came between the computation and its record: the result says what it is of.
  await importExtractor('b');
  await recordStage({ ...lookup, result });
  assert.equal(await findStage({ ...lookup, runId: 'f' }), null);
  assert.equal(await findStage(lookup), null, 'not even for its own run');
  await importExtractor('a');
  assert.deepEqual(await findStage({ ...lookup, runId: 'f' }), result);
});
