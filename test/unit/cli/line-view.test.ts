/** Progress as plain lines: one for each change of state, and else one every 10 s. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineView } from '../../../src/cli/line-view.js';
import type { LiveProgress } from '../../../src/client/index.js';
import { liveHeartbeat } from '../../support/live-heartbeat.js';

const RUN: LiveProgress = {
  runId: 'knee-1',
  name: 'knee',
  state: 'running',
  status: 'running',
  source: 'run',
  waiting: null,
  ended: null,
  stages: { preprocess: 'running', train: 'waiting', generate: 'waiting', evaluate: 'waiting' },
  done: 0,
  total: 100,
  unit: 'shards',
  attention: null,
  train: null,
  live: null,
};

/** Shows progress once a second. @returns the lines printed, each with its second */
function watch(seconds: readonly LiveProgress[]): [second: number, line: string][] {
  const lines: [number, string][] = [];
  let second = 0;
  const view = new LineView(
    (line) => lines.push([second, line]),
    () => second * 1000,
  );
  for (const progress of seconds) {
    view.show(progress);
    second++;
  }
  return lines;
}

test('a stage that moves every second prints a line every 10 s', () => {
  const moving = Array.from({ length: 31 }, (_, done) => ({ ...RUN, done }));
  assert.deepEqual(
    watch(moving).map(([second]) => second),
    [0, 10, 20, 30],
  );
});

test('a stage that stands still prints nothing more', () => {
  assert.equal(watch(Array.from({ length: 60 }, () => RUN)).length, 1);
});

test('a change of stage or state is printed at once', () => {
  const stages = { ...RUN.stages, preprocess: 'done', train: 'running' } as const;
  const train = {
    workflowId: 'knee-1/train',
    kimg: 0,
    targetKimg: 10,
    lastCheckpoint: null,
    curve: [],
    gaps: [],
    resumption: null,
  };
  const training: LiveProgress = { ...RUN, stages, train };
  const live = liveHeartbeat({ kimg: 1, step: 2, imagesPerSecond: 9 });
  const lines = watch([
    RUN,
    training,
    { ...training, live },
    { ...training, live: { ...live, kimg: 2 } },
    { ...training, live: { ...live, kimg: 3 }, state: 'pausing' },
    { ...training, state: 'paused' },
  ]);
  assert.deepEqual(
    lines.map(([second]) => second),
    [0, 1, 2, 4, 5],
  );
});
