/**
 * Trainings in half precision and with XLA: their checkpoints, and which trainings resume from
 * them.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CheckpointError } from '../../../src/core/errors.js';
import { CHECKPOINT_PARTS } from '../../../src/checkpoints/manifest.js';
import { superviseTrainer } from '../../../src/training/index.js';
import { decodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { newest, type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

const TWO_STEPS = { targetKimg: 0.008 };
const THREE_STEPS = { targetKimg: 0.012 };

describe('precision', () => {
  let tiny: TinyTraining;
  before(async () => {
    tiny = await tinyTraining();
  });
  after(() => tiny.remove());

  test('a training in half precision keeps float32 weights, and resumes in that precision only', async () => {
    await superviseTrainer(tiny.job('half', { ...TWO_STEPS, spec: { precision: 'bfloat16' } }));
    const { manifest, parts } = await newest(tiny.store, 'half');
    assert.equal(manifest.configuration.network.half, 'bfloat16');
    const weights = decodeSafetensors(
      parts[CHECKPOINT_PARTS.generator] ?? new Uint8Array(),
      CHECKPOINT_PARTS.generator,
    );
    const { data } = weights['G.synthesis.b16.conv1.weight'] ?? {};
    assert.ok(data instanceof Float32Array);
    // A bfloat16 is the upper half of a float32.
    assert.ok(new Uint32Array(data.slice().buffer).some((word) => (word & 0xffff) !== 0));

    await superviseTrainer(tiny.job('half', THREE_STEPS));
    const { manifest: later } = await newest(tiny.store, 'half');
    assert.equal(later.step, 3);
    assert.equal(later.configuration.network.half, 'bfloat16');

    await assert.rejects(
      superviseTrainer(tiny.job('half', { targetKimg: 0.016, spec: { precision: 'float32' } })),
      (error) => error instanceof CheckpointError && /network\.half = "bfloat16"/.test(error.message),
    );
  });

  test('the gradients of a first step with XLA equal those without XLA', async () => {
    const moments = async (runId: string, xla: boolean) => {
      // With such rates the weights do not change, and the moments show the gradients of every
      // phase.
      const spec = { xla, glr: 1e-12, dlr: 1e-12 };
      await superviseTrainer(tiny.job(runId, { targetKimg: 0.004, spec }));
      const { manifest, parts } = await newest(tiny.store, runId);
      assert.equal(manifest.numericEnvironment.xla ?? false, xla);
      return decodeSafetensors(
        parts[CHECKPOINT_PARTS.optimizer] ?? new Uint8Array(),
        CHECKPOINT_PARTS.optimizer,
      );
    };
    const [plain, compiled] = [await moments('plain', false), await moments('compiled', true)];
    for (const [name, { data }] of Object.entries(plain)) {
      const largest = Math.max(...data.map(Math.abs));
      const apart = Math.max(...data.map((value, i) => Math.abs(value - (compiled[name]?.data[i] ?? 0))));
      assert.ok(apart <= 1e-3 * largest + 1e-10, `${name}: ${apart} of ${largest}`);
    }
  });
});
