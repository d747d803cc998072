/** A training with adaptive augmentation that resumes between two adaptations is bit-exact. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { superviseTrainer } from '../../src/training/index.js';
import { newest, type TinyTraining, timelessStats, tinyTraining, weights } from '../support/tiny-training.js';

/** Steps of four images that a training is to have taken. */
const upTo = (step: number) => ({ targetKimg: (step * 4) / 1000 });

describe('a training with adaptive augmentation', () => {
  /**
   * So quick that the strength moves by a sixth every four steps; at a target of 0, in either
   * direction.
   */
  const spec = { aug: 'ada', augPipe: 'bgcfnc', target: 0, adaKimg: 0.096, checkpointMinutes: 1000 };
  let tiny: TinyTraining;
  before(async () => {
    tiny = await tinyTraining();
  });
  after(() => tiny.remove());

  const strengths = async (runId: string) =>
    (await timelessStats(tiny.store, runId)).map(
      (line) => (line as Record<string, { mean: number }>)['Progress/augment']?.mean,
    );
  const state = async (runId: string) => (await newest(tiny.store, runId)).manifest.counters.augmentation;

  test('that resumes between two adaptations ends with the same strength and the same bytes', async () => {
    await superviseTrainer(tiny.job('whole', { spec, ...upTo(40) }));
    await superviseTrainer(tiny.job('parts', { spec, ...upTo(14) }));
    assert.equal((await state('parts')).images, 8, 'two steps since the last adaptation');
    await superviseTrainer(tiny.job('parts', { spec, ...upTo(27) }));
    assert.equal((await state('parts')).images, 12, 'three steps since the last adaptation');
    await superviseTrainer(tiny.job('parts', { spec, ...upTo(40) }));
    assert.deepEqual(await weights(tiny.store, 'parts'), await weights(tiny.store, 'whole'));
    assert.deepEqual(await state('parts'), await state('whole'));
    const [first, ...later] = await strengths('parts');
    assert.equal(first, 0);
    assert.ok(
      later.some((p) => Number(p) > 0),
      'it adapted',
    );
  });

  test('keeps a fixed strength, and does not resume with another', async () => {
    const fixed = { aug: 'fixed', p: 0.3, checkpointMinutes: 1000 };
    await superviseTrainer(tiny.job('fixed', { spec: fixed, ...upTo(8) }));
    assert.ok((await strengths('fixed')).every((p) => p === 0.3));
    await assert.rejects(
      superviseTrainer(tiny.job('fixed', { spec: { ...fixed, p: 0.4 } })),
      /training\.augmentation/,
    );
  });
});
