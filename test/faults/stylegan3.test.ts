/** A training of StyleGAN3 that resumes from its checkpoints is bit-exact. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { superviseTrainer } from '../../src/training/index.js';
import { newest, type TinyTraining, tinyTraining, weights } from '../support/tiny-training.js';

/** Steps of four images that a training is to have taken. */
const upTo = (step: number) => ({ targetKimg: (step * 4) / 1000 });

for (const cfg of ['stylegan3-t', 'stylegan3-r']) {
  describe(`a training of ${cfg}`, () => {
    const spec = { cfg, cmax: 4, checkpointMinutes: 1000 };
    let tiny: TinyTraining;
    before(async () => {
      tiny = await tinyTraining();
    });
    after(() => tiny.remove());

    test('that resumes ends with the same bytes, magnitudes included', async () => {
      await superviseTrainer(tiny.job('whole', { spec, ...upTo(24) }));
      await superviseTrainer(tiny.job('parts', { spec, ...upTo(9) }));
      assert.equal((await newest(tiny.store, 'parts')).manifest.counters.step, 9);
      await superviseTrainer(tiny.job('parts', { spec, ...upTo(24) }));
      assert.deepEqual(await weights(tiny.store, 'parts'), await weights(tiny.store, 'whole'));
    });
  });
}
