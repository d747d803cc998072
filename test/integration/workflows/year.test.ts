/** A year of a run, on the time-skipping server: new histories lose no signal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import type { TrainActivityResult, TrainInput } from '../../../src/activities/train.js';
import { partPath } from '../../../src/core/parts.js';
import type { CheckpointRef, TrainResult } from '../../../src/spec/results.js';
import { directiveSignal, snapshotsSignal } from '../../../src/workflows/messages.js';
import { untilSo } from '../../support/simulated-deployment.js';
import { RunRecord, simulatedWork, trainingInput } from '../../support/simulated-work.js';

const QUEUE = 'year';
const WORKFLOWS = fileURLToPath(new URL('../../../src/workflows/index.js', import.meta.url));
/** The 27 pauses between them make a year. */
const PERIODS = 28;
const PERIOD_DAYS = 14;
const SNAPSHOTS = 3;

Runtime.install({ logger: new DefaultLogger('ERROR') });

let server: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
before(async () => {
  const executable = { type: 'existing-path', path: partPath('temporal-test-server') } as const;
  [server, workflowBundle] = await Promise.all([
    TestWorkflowEnvironment.createTimeSkipping({ server: { executable } }),
    bundleWorkflowCode({ workflowsPath: WORKFLOWS }),
  ]);
});
after(() => server?.teardown());

test('over a year of pauses and new histories, no signal of a snapshot is lost', async () => {
  const { activities } = simulatedWork(QUEUE, 1);
  const snapshotOf = (kimg: number): CheckpointRef => new RunRecord().snapshot(kimg);
  let isTraining = false;
  let announced = 0;
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: QUEUE,
    workflowBundle,
    activities: {
      ...activities,
      // Its result does not name the snapshots: only signals do.
      async train({ targetKimg }: TrainInput): Promise<TrainActivityResult> {
        const { cancellationSignal } = Context.current();
        isTraining = true;
        while (announced < targetKimg && !cancellationSignal.aborted) {
          Context.current().heartbeat();
          await sleep(20);
        }
        isTraining = false;
        return { last: snapshotOf(announced), snapshots: [] };
      },
    },
    maxHeartbeatThrottleInterval: '10ms',
    defaultHeartbeatThrottleInterval: '10ms',
  });
  const began = await server.currentTimeMs();
  const input = trainingInput('year', QUEUE);
  const directive = { ...input.directive, targetKimg: SNAPSHOTS * PERIODS };
  const { curve, gaps = [] } = await worker.runUntil(async () => {
    const handle = await server.client.workflow.start('trainUntilConverged', {
      workflowId: 'year',
      taskQueue: QUEUE,
      args: [{ ...input, directive }],
    });
    for (let period = 0; period < PERIODS; period++) {
      await untilSo(async () => isTraining);
      const refs = Array.from({ length: SNAPSHOTS }, () => snapshotOf(++announced));
      const isLast = period === PERIODS - 1;
      // All at the same time: some arrive while the history ends.
      await Promise.all([
        ...(isLast ? [] : [handle.signal(directiveSignal, { ...directive, paused: true })]),
        ...refs.map((ref) => handle.signal(snapshotsSignal, [ref])),
      ]);
      if (isLast) break;
      await untilSo(async () => !isTraining);
      await server.sleep(`${PERIOD_DAYS} days`);
      await handle.signal(directiveSignal, directive);
    }
    return (await handle.result()) as TrainResult;
  });
  assert.ok((await server.currentTimeMs()) - began >= (PERIODS - 1) * PERIOD_DAYS * 86_400_000);
  const known = new Set([...curve, ...gaps].map(({ kimg }) => kimg));
  assert.equal(known.size, SNAPSHOTS * PERIODS);
  const { raw } = await server.client.workflow.getHandle('year').describe();
  assert.notEqual(raw.workflowExecutionInfo?.firstRunId, raw.workflowExecutionInfo?.execution?.runId);
});
