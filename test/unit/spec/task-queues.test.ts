/** The task queues of a deployment, and which trainings a worker is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '../../../src/spec/parse.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { needOf, placeHeld, servedQueues, trainingQueue } from '../../../src/spec/task-queues.js';
import { leastDeviceMemory } from '../../../src/training/index.js';

const GIB = 2 ** 30;

const specOf = (train: PipelineInput['train']) =>
  parseSpec({ name: 'x', stages: ['train'], from: { dataset: 'd/' }, train }).train;

const needed = (resolution: number, train: PipelineInput['train'] = {}) =>
  leastDeviceMemory(specOf(train), { resolution, channels: 1 });

test('a worker serves exactly the queues of trainings that fit into its memory', () => {
  for (const cardGib of [3, 8, 24, 141]) {
    const served = servedQueues('gpu', { bytes: cardGib * GIB, hasStylegan3: false });
    for (const gib of [1, 5, 7, 11, 20, 30, 100, 500]) {
      const queue = trainingQueue('gpu', { engine: 'tfjs', bytes: gib * GIB });
      if (queue !== 'gpu') assert.equal(served.includes(queue), gib < cardGib, `${gib} GiB on ${cardGib}`);
    }
    assert.ok(served.includes('gpu'), 'small trainings go everywhere');
  }
});

test('the official trainer goes to workers that have its checkout only', () => {
  const queue = trainingQueue('gpu', { engine: 'stylegan3', bytes: 0 });
  assert.ok(servedQueues('gpu', { bytes: 0, hasStylegan3: true }).includes(queue));
  assert.ok(!servedQueues('gpu', { bytes: 141 * GIB, hasStylegan3: false }).includes(queue));
  assert.match(needOf('gpu', queue) ?? '', /GIST_STYLEGAN3_DIR/);
});

test('a queue says what its workers must have, and ordinary queues nothing', () => {
  assert.equal(needOf('gpu', 'gpu-24g'), 'a device with 24 GiB of memory');
  for (const queue of ['gpu', 'gpu-short', 'other-24g']) assert.equal(needOf('gpu', queue), null);
});

test('memory is foreseen from the spec: more for larger images and micro-batches, less in half precision', () => {
  assert.ok(needed(32) < 4 * GIB);
  assert.ok(needed(512) > needed(256));
  assert.ok(needed(256, { batchGpu: 32 }) > needed(256, { batchGpu: 8 }));
  assert.ok(needed(256, { precision: 'float32' }) > needed(256));
  assert.ok(needed(256, { cfg: 'stylegan3-r' }) > needed(256, { cfg: 'stylegan3-t' }));
  assert.equal(needed(256, { engine: 'stylegan3', cfg: 'stylegan3-t' }), 0);
});

test('a training that took at most 19 GB on a card is given to cards of 24 GB', () => {
  const bytes = needed(256, { cfg: 'stylegan2', cbase: 16384, batch: 32, batchGpu: 32 });
  const queue = trainingQueue('gpu', { engine: 'tfjs', bytes });
  assert.ok(servedQueues('gpu', { bytes: 23.6 * GIB, hasStylegan3: false }).includes(queue), queue);
});

test('trainings that have begun go first, those of people before those of sweeps', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(placeHeld), [1, 1, 1, 2, 2]);
});
