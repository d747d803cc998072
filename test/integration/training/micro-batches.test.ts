/** Gradients accumulated over micro-batches are those of the whole batch. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHECKPOINT_PARTS } from '../../../src/checkpoints/manifest.js';
import { superviseTrainer } from '../../../src/training/index.js';
import { microBatchRows } from '../../../src/gan/loss/micro-batches.js';
import { decodeSafetensors, type NamedTensor } from '../../../src/nn/formats/safetensors.js';
import { newest, type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

/**
 * With such learning rates the weights do not change, and the moments are those of the gradients of
 * every phase.
 */
const STILL = { batch: 8, glr: 1e-12, dlr: 1e-12 };
/** Rounding error of float32 in small sums of terms of about 1. */
const ROUNDING = 1e-7;
const ONE_STEP = { targetKimg: 0.008 };

describe('micro-batches', () => {
  let tiny: TinyTraining;
  before(async () => {
    tiny = await tinyTraining();
  });
  after(() => tiny.remove());

  async function state(runId: string, spec: Record<string, unknown>): Promise<Record<string, NamedTensor>> {
    await superviseTrainer(tiny.job(runId, { ...ONE_STEP, spec: { ...STILL, ...spec } }));
    const { parts } = await newest(tiny.store, runId);
    const of = (part: string) => decodeSafetensors(parts[part] ?? new Uint8Array(), part);
    return { ...of(CHECKPOINT_PARTS.optimizer), ...of(CHECKPOINT_PARTS.generator) };
  }

  test('of whole groups give the moments, running means and path lengths of the whole batch, and reset their sums', async () => {
    const whole = await state('whole', {});
    const accumulated = await state('accumulated', { batchGpu: 4 });
    assert.deepEqual(Object.keys(accumulated).sort(), Object.keys(whole).sort());
    for (const [name, { data }] of Object.entries(whole)) {
      const largest = Math.max(...data.map(Math.abs));
      const difference = Math.max(
        ...data.map((value, i) => Math.abs(value - (accumulated[name]?.data[i] ?? 0))),
      );
      assert.ok(difference <= 1e-5 * largest + ROUNDING, `${name}: ${difference} of ${largest}`);
    }
  });

  test('consist of whole groups of the minibatch standard deviation and contain every image once', () => {
    // Sixteen images are in groups {i, i + 4, i + 8, i + 12}.
    assert.deepEqual(
      microBatchRows(16, 8).map((rows) => [...rows]),
      [
        [0, 1, 4, 5, 8, 9, 12, 13],
        [2, 3, 6, 7, 10, 11, 14, 15],
      ],
    );
    for (const [batch, images] of [
      [12, 4],
      [12, 3],
      [6, 2],
      [32, 16],
      [10, 2],
    ] as const) {
      const rows = microBatchRows(batch, images).flatMap((microBatch) => [...microBatch]);
      assert.deepEqual(
        rows.sort((a, b) => a - b),
        Array.from({ length: batch }, (_, i) => i),
      );
    }
  });
});
