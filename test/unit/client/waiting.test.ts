/** What counts as progress of an activity that a worker has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingNotes } from '../../../src/cli/waiting-line.js';
import type { PendingActivity } from '../../../src/client/pending.js';
import { activityPaused, advances, holdingUp, parked } from '../../../src/client/waiting.js';

const NOW = Date.UTC(2026, 0, 31);
const TRAINING: PendingActivity = {
  workflowId: 'knee/train',
  type: 'train',
  queue: 'gist-gpu',
  state: 'started',
  attempt: 1,
  worker: '1@node',
  lastFailure: null,
  lastFailureMs: null,
  scheduledMs: NOW - 200_000,
  nextAttemptMs: null,
  startedMs: NOW - 190_000,
  heartbeatMs: NOW - 10_000,
  heartbeatTimeoutMs: 300_000,
  heartbeat: null,
  priorityKey: 3,
};

test('an activity advances when its worker has been heard from since this attempt started', () => {
  assert.ok(advances(TRAINING, NOW));
  assert.ok(advances({ ...TRAINING, attempt: 3 }, NOW));
  assert.ok(!advances({ ...TRAINING, attempt: 2, startedMs: NOW - 5_000 }, NOW));
  assert.ok(!advances({ ...TRAINING, state: 'scheduled' }, NOW));
});

test('a worker that has been silent for more than a minute does not advance', () => {
  assert.ok(!advances({ ...TRAINING, heartbeatMs: NOW - 70_000 }, NOW));
  assert.ok(advances({ ...TRAINING, heartbeatMs: null, heartbeatTimeoutMs: null }, NOW));
});

test('a run whose training advances does not wait for a late evaluation of a snapshot', () => {
  const evaluation: PendingActivity = { ...TRAINING, type: 'evaluateSnapshot', state: 'scheduled' };
  assert.deepEqual(holdingUp([TRAINING, evaluation], NOW), []);
  assert.deepEqual(holdingUp([evaluation], NOW), [evaluation]);
  const late: PendingActivity = { ...TRAINING, state: 'scheduled' };
  assert.deepEqual(holdingUp([evaluation, late], NOW), [late, evaluation]);
  const shard: PendingActivity = { ...evaluation, type: 'generateShard' };
  assert.deepEqual(holdingUp([TRAINING, shard], NOW), [shard]);
});

test('an activity that is paused in Temporal is continued in the workflow that it belongs to', () => {
  for (const [workflowId, type] of [
    ['knee', 'planDataset'],
    ['knee/train', 'evaluateSnapshot'],
    ['knee/preprocess', 'buildShard'],
  ] as const)
    assert.equal(
      activityPaused({ ...TRAINING, workflowId, type, state: 'paused' }).command,
      `temporal activity unpause --workflow-id ${workflowId} --activity-type ${type}`,
    );
});

test('a parked run says why, since when, and the command that tries again', () => {
  const waiting = parked('knee', {
    stage: 'train',
    type: 'CheckpointLostError',
    message: 'checkpoint 12 is missing.',
    attempts: 5,
    sinceMs: NOW,
  });
  assert.equal(
    waiting.message,
    'Stage train needs attention after 5 attempts without progress since 2026-01-31 00:00 UTC: checkpoint 12 is missing. Everything is kept.',
  );
  assert.equal(waiting.command, 'gist resume knee');
});

test('each reason is printed once, with its command, and its end', () => {
  const lines: string[] = [];
  const notes = new WaitingNotes((line) => lines.push(line));
  const attention = { stage: null, type: 'Error', message: 'Why.', attempts: 1, sinceMs: NOW };
  for (const waiting of [null, parked('knee', attention), parked('knee', attention), null])
    notes.update(waiting);
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /needs attention since .*: Why\. .*\n {2}-> gist resume knee/);
  assert.equal(lines[1], 'The run advances again.');
});
