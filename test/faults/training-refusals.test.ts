/**
 * Trainings that cannot continue report the loss and step, or the batch that would fit, and store
 * no broken state.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { TrainingError } from '../../src/core/errors.js';
import { CHECKPOINT_PARTS, trainPrefix } from '../../src/checkpoints/manifest.js';
import { newestVerified } from '../../src/checkpoints/reader.js';
import { CheckpointWriter } from '../../src/checkpoints/writer.js';
import { superviseTrainer } from '../../src/training/index.js';
import { outOfMemory } from '../../src/training/memory.js';
import { planMemory } from '../../src/training/memory-estimate.js';
import { microBatchSizes } from '../../src/spec/micro-batches.js';
import { resolveNetworkConfig } from '../../src/gan/config.js';
import { decodeVariables, encodeVariables, type Variables } from '../../src/checkpoints/variables.js';
import { newest, type TinyTraining, tinyTraining } from '../support/tiny-training.js';

const PRLIMIT = '/usr/bin/prlimit';
/** TensorFlow alone maps four gigabytes. */
const ADDRESS_SPACE_BYTES = 6e9;

describe('a training that cannot continue', () => {
  let tiny: TinyTraining;
  before(async () => {
    tiny = await tinyTraining();
  });
  after(() => tiny.remove());

  test('that diverges from the start fails permanently, names loss and step, and writes no checkpoint', async () => {
    const job = tiny.job('diverges', { spec: { checkpointMinutes: 0.0001 } });
    Object.assign(job.train, { glr: 1e10, dlr: 1e10 });
    await assert.rejects(
      superviseTrainer(job),
      (error) =>
        error instanceof TrainingError &&
        error.causeClass === 'input' &&
        /^Loss\/\S+ is no longer finite after step 1$/.test(error.what),
    );
    assert.equal(await newestVerified(tiny.store, 'diverges', assert.fail), null);
  });

  test('that diverges later keeps its last good checkpoint', async () => {
    await superviseTrainer(tiny.job('overflows', { targetKimg: 0.016 }));
    // Weights that are finite still, and are not once they are multiplied.
    const step = await goOneStepOn('overflows', (name, values) =>
      /^D\..*conv.*weight$/.test(name) ? values.map((value) => value * 1e30) : values,
    );
    await assert.rejects(
      superviseTrainer(tiny.job('overflows', { attempt: 2000, spec: { checkpointMinutes: 0.0001 } })),
      (error) =>
        error instanceof TrainingError &&
        new RegExp(`^Loss/\\S+ is no longer finite after step ${step + 1}$`).test(error.what),
    );
    assert.equal((await newest(tiny.store, 'overflows')).ref.step, step);
  });

  test('whose weights are not finite, though every loss is, leaves no checkpoint of them', async () => {
    await superviseTrainer(tiny.job('spoilt', { targetKimg: 0.016 }));
    const spoilt = 'G_ema.synthesis.b16.conv1.weight';
    // No loss is computed from the average.
    const step = await goOneStepOn('spoilt', (name, values) =>
      name === spoilt ? values.map((value, i) => (i === 3 ? Number.NaN : value)) : values,
    );
    await assert.rejects(
      superviseTrainer(tiny.job('spoilt', { attempt: 2000, targetKimg: 0.02 })),
      (error) =>
        error instanceof TrainingError &&
        error.what === `${spoilt} is no longer finite after step ${step + 1}`,
    );
    assert.equal((await newest(tiny.store, 'spoilt')).ref.step, step);
  });

  /**
   * A checkpoint one step after the newest, with variables as `change` makes them; the step that it
   * is of.
   */
  async function goOneStepOn(
    runId: string,
    change: (name: string, values: Float32Array) => Float32Array,
  ): Promise<number> {
    const { manifest, parts, ref } = await newest(tiny.store, runId);
    const changed = Object.entries(decodeVariables(parts)).map(([name, values]) => [
      name,
      change(name, values),
    ]);
    const variables = Object.fromEntries(changed) as Variables;
    const shapes = Object.fromEntries(
      Object.entries(variables).map(([name, { length }]) => [name, [length]]),
    );
    const { version: _version, claim: _claim, parts: _parts, ...draft } = manifest;
    const step = ref.step + 1;
    const { writer } = await CheckpointWriter.open(tiny.store, trainPrefix(runId), {
      attempt: 1000,
      expected: null,
      keepCheckpoints: 3,
      warn: assert.fail,
    });
    await writer.write(
      { ...draft, step, counters: { ...draft.counters, step } },
      {
        ...encodeVariables(variables, shapes),
        [CHECKPOINT_PARTS.stats]: parts[CHECKPOINT_PARTS.stats] ?? new Uint8Array(),
      },
    );
    return step;
  }

  test('that runs out of memory fails permanently and names the batch that would fit', {
    skip: !existsSync(PRLIMIT),
  }, async () => {
    const job = tiny.job('too-large', {
      spec: { batch: 2048, batchGpu: 2048, cbase: 2048, cmax: 64 },
      targetKimg: 2,
    });
    await assert.rejects(
      superviseTrainer(job, {
        onSpawn: (pid) => execFileSync(PRLIMIT, ['--pid', String(pid), `--as=${ADDRESS_SPACE_BYTES}`]),
      }),
      (error) => {
        assert.ok(error instanceof TrainingError && error.causeClass === 'input', String(error));
        const [, advised] =
          /memory ran out: a micro-batch of 2048 images takes about .* Set train.batchGpu to (\d+)/.exec(
            error.message,
          ) ?? [];
        assert.ok(microBatchSizes(2048).includes(Number(advised)) && Number(advised) < 2048, error.message);
        return true;
      },
    );
  });

  test('estimates of memory grow with batch and sizes', () => {
    const config = (resolution: number) =>
      resolveNetworkConfig({ cfg: 'stylegan2', resolution, channels: 1, classes: 0, cbase: 4096, cmax: 128 });
    const of = (batch: number) => ({ batch, batchGpu: batch });
    const plan = (resolution: number, batch: number) =>
      planMemory(config(resolution), of(batch), 8 * 2 ** 30);
    assert.ok(plan(64, 16).neededBytes < plan(64, 32).neededBytes);
    assert.ok(plan(64, 16).fits > plan(128, 16).fits && plan(128, 16).fits >= 2);
    assert.equal(planMemory(config(64), of(16), 2 ** 20).fits, 0);
    assert.match(outOfMemory(planMemory(config(64), of(16), 2 ** 20), false).message, /Lower cbase and cmax/);
  });
});
