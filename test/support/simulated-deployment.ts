/** A real Temporal server and a worker whose activities are simulated, for tests of workflows. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { CONTINUES_MEMO, type RunProgress } from '../../src/spec/controls.js';
import type { PipelineInput } from '../../src/spec/pipeline.js';
import type { PipelineResult } from '../../src/spec/results.js';
import type { trainUntilConverged } from '../../src/workflows/train-until-converged.js';
import { workflowOfSweep } from '../../src/sweeps/index.js';
import { openStore, type ObjectStore } from '../../src/storage/index.js';
import { type RunRecord, simulatedWork, trainingInput } from './simulated-work.js';
import { TestTemporal } from './temporal.js';

const TASK_QUEUE = 'simulated';
/** As in `temporal.api.enums.v1.TaskQueueType`. */
const ACTIVITY_TASKS = 2;
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url));

interface Parts {
  temporal: TestTemporal;
  worker: Worker;
  client: Client;
  recordOf: (runId: string) => RunRecord;
  source: { images: number; begun: string[] };
  store: ObjectStore;
  folder: string;
}

interface Size {
  /** Shards of each run's data set. */
  shards?: number;
  /** Activities at the same time. */
  slots?: number;
}

export class SimulatedDeployment {
  readonly client: Client;
  readonly recordOf: Parts['recordOf'];
  /** What all runs read. */
  readonly source: { images: number; begun: string[] };
  readonly store: ObjectStore;
  /** Ends every wait that a test made, also one that failed before it got there. */
  private readonly ends: (() => void)[] = [];
  private readonly working: Promise<void>;

  private constructor(private readonly parts: Parts) {
    this.client = parts.client;
    this.recordOf = parts.recordOf;
    this.store = parts.store;
    this.source = parts.source;
    this.working = parts.worker.run();
  }

  static async start({ shards = 2, slots }: Size = {}): Promise<SimulatedDeployment> {
    const folder = mkdtempSync(path.join(tmpdir(), 'gist-simulated-'));
    const store = openStore(pathToFileURL(folder).href);
    const { recordOf, source, activities } = simulatedWork(TASK_QUEUE, shards, store);
    const temporal = await TestTemporal.start();
    const { address } = temporal;
    const worker = await Worker.create({
      connection: await NativeConnection.connect({ address }),
      taskQueue: TASK_QUEUE,
      activities,
      workflowsPath: WORKFLOWS,
      ...(slots && { maxConcurrentActivityTaskExecutions: slots }),
      maxHeartbeatThrottleInterval: '100ms',
      defaultHeartbeatThrottleInterval: '100ms',
    });
    const client = new Client({ connection: await Connection.connect({ address }) });
    return new SimulatedDeployment({ temporal, worker, client, recordOf, source, store, folder });
  }

  /** Variables that point a command at this deployment. */
  get env(): Record<string, string> {
    const { temporal, folder } = this.parts;
    return {
      TEMPORAL_ADDRESS: temporal.address,
      GIST_STORE: pathToFileURL(folder).href,
      GIST_TASK_QUEUE: TASK_QUEUE,
    };
  }

  async stop(): Promise<void> {
    const { worker, client, temporal, folder } = this.parts;
    for (const end of this.ends) end();
    worker.shutdown();
    await this.working;
    await client.connection.close();
    await temporal.stop();
    rmSync(folder, { recursive: true, force: true });
  }

  startRun(
    workflowId: string,
    train: PipelineInput['train'] = {},
    stages: PipelineInput['stages'] = ['preprocess', 'train'],
    memo: Record<string, unknown> = {},
  ): Promise<WorkflowHandle> {
    const spec: PipelineInput = {
      name: 'simulated',
      stages,
      preprocess: { source: `/data/${workflowId}` },
      train: { snapshotKimg: 1, stopWhen: null, ...train },
    };
    return this.startWith(workflowId, spec, memo);
  }

  /** As `gist retry` does. */
  retryRun(workflowId: string, train: PipelineInput['train']): Promise<WorkflowHandle> {
    return this.startRun(workflowId, train, undefined, { [CONTINUES_MEMO]: true });
  }

  /** @param historyEvents events after which it continues as new */
  startWith(
    workflowId: string,
    spec: unknown,
    memo: Record<string, unknown> = {},
    historyEvents?: number,
  ): Promise<WorkflowHandle> {
    return this.client.workflow.start('gistPipeline', {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [spec, null, { historyEvents }],
      memo,
    });
  }

  startSweep(sweepId: string, spec: object, historyEvents?: number): Promise<WorkflowHandle> {
    const args = [spec, null, { historyEvents }];
    return this.client.workflow.start(workflowOfSweep(spec), {
      workflowId: sweepId,
      taskQueue: TASK_QUEUE,
      args,
    });
  }

  startTraining(runId: string): Promise<WorkflowHandle<typeof trainUntilConverged>> {
    return this.client.workflow.start<typeof trainUntilConverged>('trainUntilConverged', {
      workflowId: runId,
      taskQueue: TASK_QUEUE,
      args: [trainingInput(runId, TASK_QUEUE)],
    });
  }

  /** Number of activities that the server holds for a worker with a free slot. */
  async queuedActivities(): Promise<number> {
    const { stats } = await this.client.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: TASK_QUEUE },
      taskQueueType: ACTIVITY_TASKS,
      reportStats: true,
    });
    return Number(stats?.approximateBacklogCount ?? 0);
  }

  /** A wait, and what ends it. */
  wait(): { over: Promise<void>; end: () => void } {
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.ends.push(end);
    return { over, end };
  }
}

export const progressOf = (handle: WorkflowHandle) => handle.query<RunProgress, []>('progress');

export const resultOf = async (handle: WorkflowHandle) => (await handle.result()) as PipelineResult;

export async function untilSo(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('it did not happen in time');
}

export async function untilState(handle: WorkflowHandle, state: RunProgress['state']): Promise<RunProgress> {
  await untilSo(async () => (await progressOf(handle)).state === state);
  return progressOf(handle);
}
