/** What the heartbeats of a training say while its trainer works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { TrainProgress } from '../../../../src/activities/training/progress.js';

const step = (number: number) =>
  ({ type: 'progress', kimg: number / 10, step: number, imagesPerSecond: 50, losses: {} }) as const;
const alive = (operation: string) => ({ type: 'alive', operation }) as const;

/** Runs the work with a clock of its own, in seconds. */
function observe(work: (progress: TrainProgress, clock: { seconds: number }) => void): Promise<void> {
  const clock = { seconds: 0 };
  return new MockActivityEnvironment().run(async () =>
    work(new TrainProgress(null, () => clock.seconds * 1000), clock),
  );
}

test('the operation of the trainer is said until steps end', () =>
  observe((progress, clock) => {
    const { heartbeat } = progress;
    assert.equal(heartbeat.operation, null);
    progress.record(alive('compiling for this GPU, once'));
    clock.seconds = 200;
    assert.equal(heartbeat.operation, 'compiling for this GPU, once');
    progress.record(step(1));
    assert.deepEqual([heartbeat.operation, heartbeat.imagesPerSecond], ['training', 50]);
  }));

test('a training whose steps stop has no images per second', () =>
  observe((progress, clock) => {
    const { heartbeat } = progress;
    progress.record(step(1));
    clock.seconds += 1;
    progress.record(step(2));
    clock.seconds += 29;
    progress.record(alive('training'));
    assert.equal(heartbeat.imagesPerSecond, 50);
    clock.seconds += 2;
    progress.record(alive('training'));
    assert.equal(heartbeat.imagesPerSecond, 0);
    progress.record(step(3));
    assert.equal(heartbeat.imagesPerSecond, 50);
  }));

test('slow steps are not stopped ones', () =>
  observe((progress, clock) => {
    progress.record(step(1));
    clock.seconds += 120;
    progress.record(step(2));
    clock.seconds += 300;
    progress.record(alive('training'));
    assert.equal(progress.heartbeat.imagesPerSecond, 50);
    clock.seconds += 61;
    progress.record(alive('training'));
    assert.equal(progress.heartbeat.imagesPerSecond, 0);
  }));
