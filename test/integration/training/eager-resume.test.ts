/** A training in eager mode that is stopped and resumes is bit-exact. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { superviseTrainer } from '../../../src/training/index.js';
import {
  newest,
  type TinyTraining,
  timelessStats,
  tinyTraining,
  weights,
} from '../../support/tiny-training.js';

/** Far enough for every lazy phase to come again. */
const STEPS = 18;

let tiny: TinyTraining;
before(async () => {
  tiny = await tinyTraining();
});
after(() => tiny.remove());

function job(runId: string, checkpointMinutes: number) {
  return tiny.job(runId, {
    targetKimg: (STEPS * 4) / 1000,
    spec: { mode: 'eager', checkpointMinutes },
  });
}

test('in eager mode, a training that is stopped and resumes ends with byte-identical weights and the same statistics', async () => {
  await superviseTrainer(job('whole', 1000));
  const abort = new AbortController();
  const stopped = await superviseTrainer(job('parts', 0.0001), {
    signal: abort.signal,
    onEvent: (event) => event.type === 'checkpoint' && abort.abort(),
  });
  const { ref, manifest } = await newest(tiny.store, 'parts');
  assert.deepEqual(stopped, { type: 'stopped', checkpoint: ref });
  assert.ok(ref.step > 0 && ref.step < STEPS, `stopped at step ${ref.step}`);
  assert.equal(manifest.numericEnvironment.mode, 'eager');
  await superviseTrainer(job('parts', 1000));
  assert.deepEqual(await weights(tiny.store, 'parts'), await weights(tiny.store, 'whole'));
  assert.deepEqual(await timelessStats(tiny.store, 'parts'), await timelessStats(tiny.store, 'whole'));
});
