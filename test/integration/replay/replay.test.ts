/**
 * Runs that started with an earlier build continue with this one: every workflow type replays its
 * recorded histories.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleWorkflowCode, type WorkflowBundle, Worker } from '@temporalio/worker';
import { readHistory } from '../../support/history.js';

/**
 * Compiled tests run from `dist/`; the histories are beside the sources.
 * `scripts/record-histories.mjs` makes them.
 */
const HISTORIES = path.resolve('test/integration/replay/histories');

const histories = readdirSync(HISTORIES)
  .filter((file) => file.endsWith('.json'))
  .map((file) => {
    const history = readHistory(path.join(HISTORIES, file));
    const { workflowType, workflowId } =
      history.events[0]?.workflowExecutionStartedEventAttributes ?? assert.fail(file);
    return { name: path.basename(file, '.json'), type: workflowType.name, workflowId, history };
  });

const bundleOf = (relative: string) =>
  bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL(relative, import.meta.url)) });

/** As temporal.api.enums.v1.EventType numbers them. */
const EVENTS = {
  ACTIVITY_TASK_CANCEL_REQUESTED: 15,
  WORKFLOW_EXECUTION_SIGNALED: 26,
  CHILD_WORKFLOW_EXECUTION_COMPLETED: 32,
  WORKFLOW_EXECUTION_UPDATE_COMPLETED: 43,
};

let unchanged: WorkflowBundle;
let changed: WorkflowBundle;
before(async () => {
  unchanged = await bundleOf('../../../src/workflows/index.js');
  changed = await bundleOf('../../support/changed-workflows.js');
});

test('there is a history of every workflow type, with updates, convergence and children among their events', () => {
  assert.deepEqual([...new Set(histories.map(({ type }) => type))].sort(), [
    'datasetSizeSweep',
    'gistPipeline',
    'hyperparameterSweep',
    'processShards',
    'trainUntilConverged',
  ]);
  const events = new Set(
    histories.flatMap(({ history }) => history.events.map(({ eventType }) => eventType)),
  );
  for (const [wanted, number] of Object.entries(EVENTS)) assert.ok(events.has(number), wanted);
});

for (const { name, type, workflowId, history } of histories) {
  test(`${type} replays "${name}" to the same commands`, async () => {
    await Worker.runReplayHistory({ workflowBundle: unchanged }, history, workflowId);
  });

  test(`a ${type} with its commands in another order does not replay "${name}"`, async () => {
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle: changed }, history, workflowId),
      (error) => error instanceof DeterminismViolationError,
    );
  });
}
