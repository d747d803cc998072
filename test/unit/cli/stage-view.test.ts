/** Progress in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration } from '../../../src/cli/terminal.js';
import { stageView } from '../../../src/cli/stage-view.js';
import { parked } from '../../../src/client/waiting.js';
import type { LiveProgress } from '../../../src/client/index.js';
import { liveHeartbeat } from '../../support/live-heartbeat.js';

const TRAINING: LiveProgress = {
  runId: 'knee-1',
  name: 'knee',
  state: 'running',
  status: 'running',
  source: 'run',
  waiting: null,
  ended: null,
  stages: { preprocess: 'done', train: 'running', generate: 'waiting', evaluate: 'skipped' },
  done: 0,
  total: 0,
  unit: 'kimg',
  attention: null,
  train: {
    workflowId: 'knee-1/train',
    kimg: 4,
    targetKimg: 10,
    lastCheckpoint: null,
    curve: [{ kimg: 4, metric: 'fd_effnetlite0', value: 123.44 }],
    gaps: [],
    resumption: null,
  },
  live: liveHeartbeat({ kimg: 5, step: 10, imagesPerSecond: 50 }),
};

const ATTENTION = { stage: null, type: 'Error', message: 'Why.', attempts: 1, sinceMs: 0 };

test('a training shows kimg, pace, time left and its metric', () => {
  const { done, total, text } = stageView(TRAINING, 'train');
  assert.deepEqual([done, total], [5, 10]);
  assert.match(text, /5\.00\/10 kimg, 50\.0 images\/s, 1 min 40 s left, fd_effnetlite0 123\.4 at 4 kimg/);
});

test('between attempts a training shows what its last checkpoint has', () => {
  assert.equal(stageView({ ...TRAINING, live: null }, 'train').done, 4);
});

test('a training that waits shows what for, no pace and no time left', () => {
  const waiting = { ...parked('knee-1', ATTENTION), brief: 'attempt 2 in 30 s' };
  const { text } = stageView({ ...TRAINING, live: null, waiting }, 'train');
  assert.match(text, /^4\.00\/10 kimg, attempt 2 in 30 s, /);
  assert.doesNotMatch(text, /images\/s|left/);
});

test('a training without a step yet shows what its trainer does', () => {
  const live = liveHeartbeat({ kimg: 4, operation: 'compiling for this GPU, once' });
  assert.match(
    stageView({ ...TRAINING, live }, 'train').text,
    /^4\.00\/10 kimg, compiling for this GPU, once/,
  );
});

test('a paused training says so and promises no time', () => {
  const { text } = stageView({ ...TRAINING, state: 'paused' }, 'train');
  assert.match(text, /paused/);
  assert.doesNotMatch(text, /left/);
});

test('a stage that is done is full, one that waits is empty', () => {
  assert.deepEqual(stageView(TRAINING, 'preprocess'), { done: 1, total: 1, text: 'done' });
  assert.equal(stageView(TRAINING, 'generate').done, 0);
});

test('times are as long as they need to be', () => {
  assert.deepEqual([0, 59, 200, 7300, 200_000].map(duration), [
    '0 s',
    '59 s',
    '3 min 20 s',
    '2 h 1 min',
    '2 d 7 h',
  ]);
});
