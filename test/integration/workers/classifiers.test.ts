/** A classifier in a compute process that is killed: it resumes and ends with the same result. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { TrainerCrashError } from '../../../src/core/errors.js';
import type { Progress } from '../../../src/core/progress.js';
import { planClassifiers } from '../../../src/evaluation/gan-train-test/plan.js';
import { type ClassifierInput, ganTrainTestSchema } from '../../../src/spec/gan-train-test.js';
import { type ObjectStore, openStore } from '../../../src/storage/index.js';
import { ComputeProcess } from '../../../src/workers/compute-process.js';
import { drawShapes, writeSets } from '../../support/classified-sets.js';
import { descendants } from '../../support/processes.js';

const STEPS = 160;

let folder: string;
const { GIST_STORE } = process.env;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-killed-classifier-'));
});
after(async () => {
  if (GIST_STORE === undefined) delete process.env.GIST_STORE;
  else process.env.GIST_STORE = GIST_STORE;
  await rm(folder, { recursive: true, force: true });
});

/** A store with the sets, a compute process that uses it, and what it is to do. */
async function prepare(name: string) {
  process.env.GIST_STORE = path.join(folder, name);
  const store = openStore(process.env.GIST_STORE);
  const sets = await writeSets(store, {
    train: drawShapes(60, 1),
    holdout: drawShapes(30, 2),
    synthetic: drawShapes(60, 3),
  });
  const ganTrainTest = ganTrainTestSchema.parse({ seeds: 1, steps: STEPS, batch: 8 });
  const plan = await planClassifiers(store, sets, { ganTrainTest, maxImages: 1000 }, null);
  const job = plan.jobs[0] ?? assert.fail();
  const { dataset, synthetic } = sets;
  const input: ClassifierInput = {
    job,
    dataset: dataset.prefix,
    synthetic: synthetic.prefix,
    checkpointSeconds: 0.1,
  };
  return { store, input, compute: new ComputeProcess() };
}

function train(compute: ComputeProcess, input: ClassifierInput, onProgress = (_: Progress) => {}) {
  return compute.run('trainClassifier', input, { onProgress, signal: new AbortController().signal });
}

async function result(store: ObjectStore, { job }: ClassifierInput): Promise<string> {
  return Buffer.from(await store.get(`${job.prefix}result.json`)).toString();
}

test('a classifier that is killed resumes from its checkpoint and ends with the same bytes', async () => {
  const whole = await prepare('whole');
  await train(whole.compute, whole.input);
  await whole.compute.close();

  const { store, input, compute } = await prepare('killed');
  try {
    const crash = train(compute, input).then(
      () => null,
      (error: unknown) => error,
    );
    while (!(await store.head(`${input.job.prefix}checkpoint.json`))) await sleep(10);
    for (const pid of descendants(process.pid, 'compute-main')) process.kill(pid, 'SIGKILL');
    assert.ok((await crash) instanceof TrainerCrashError);
    assert.equal(await store.head(`${input.job.prefix}result.json`), null);

    const steps: number[] = [];
    await train(compute, input, ({ done, unit }) => unit === 'steps' && steps.push(done));
    assert.ok((steps[0] ?? 0) > 1, 'it does not start from scratch');
    assert.equal(steps.at(-1), STEPS);
    assert.equal(await result(store, input), await result(whole.store, whole.input));

    const kept: string[] = [];
    for await (const { key } of store.list(input.job.prefix)) kept.push(key);
    assert.deepEqual(kept, [`${input.job.prefix}result.json`], 'checkpoints are removed');

    steps.length = 0;
    await train(compute, input, ({ done, unit }) => unit === 'steps' && steps.push(done));
    assert.deepEqual(steps, [], 'a classifier with a result is not trained again');
  } finally {
    await compute.close();
  }
});
