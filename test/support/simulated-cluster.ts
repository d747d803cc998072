/**
 * Devices that share a Temporal server, with the queues and slots of real workers and activities
 * that only take time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import type { TrainActivityResult, TrainInput } from '../../src/activities/train.js';
import { keepPlace } from '../../src/activities/training/place.js';
import { environment } from '../../src/core/environment.js';
import type { PipelineInput } from '../../src/spec/pipeline.js';
import { type Abilities, deploymentQueues, trainingQueue } from '../../src/spec/task-queues.js';
import { DATASET_SIZE_SWEEP } from '../../src/spec/sweep.js';
import { openStore } from '../../src/storage/index.js';
import { DeviceSlot } from '../../src/workers/device-slot.js';
import type { Queue } from '../../src/workers/preflight.js';
import { queueOptions } from '../../src/workers/queue-options.js';
import { simulatedWork } from './simulated-work.js';
import { TestTemporal } from './temporal.js';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url));
/** A device that can do every ordinary training. */
export const ORDINARY: Abilities = { bytes: 0, hasStylegan3: false };

/** One attempt of an activity. */
export interface Done {
  runId: string;
  type: string;
  device: number;
  waitedMs: number;
  startedMs: number;
  endedMs: number;
}

/** How long activities take, by their name; 0 by default. */
export type Durations = Record<string, number>;

interface Parts {
  temporal: TestTemporal;
  client: Client;
  folder: string;
  bundle: WorkflowBundle;
}

export class SimulatedCluster {
  /** Every attempt that has ended, in this order. */
  readonly done: Done[] = [];
  /** Run ids of the trainings in progress, by device. */
  readonly training = new Map<number, string>();
  readonly recordOf;
  private readonly activities;
  private readonly ends: (() => Promise<void>)[] = [];
  private devices = 0;

  private constructor(
    private readonly parts: Parts,
    private readonly durations: Durations,
  ) {
    const work = simulatedWork('none', 1, openStore(pathToFileURL(parts.folder).href));
    this.recordOf = work.recordOf;
    this.activities = {
      ...work.activities,
      resolveRun: async (input: Parameters<typeof work.activities.resolveRun>[0]) => {
        const resolved = await work.activities.resolveRun(input);
        const { workflows: _, ...queues } = deploymentQueues('gist', 'gist-gpu');
        const gpu = trainingQueue(queues.gpu, { engine: resolved.spec.train.engine, bytes: 0 });
        const train = { checkpoint: { prefix: 'checkpoint-1/', kimg: 1, step: 10 } };
        return { ...resolved, train, taskQueues: { ...queues, gpu } };
      },
    };
  }

  /** @param durations of activities in milliseconds; `train`: of a kimg */
  static async start(durations: Durations): Promise<SimulatedCluster> {
    const [temporal, bundle] = await Promise.all([
      TestTemporal.start(),
      bundleWorkflowCode({ workflowsPath: WORKFLOWS }),
    ]);
    const { address } = temporal;
    const client = new Client({ connection: await Connection.connect({ address }) });
    const folder = mkdtempSync(path.join(tmpdir(), 'gist-cluster-'));
    return new SimulatedCluster({ temporal, client, folder, bundle }, durations);
  }

  get client(): Client {
    return this.parts.client;
  }

  /** @returns what ends it */
  async startWorker(queue: Queue, able = ORDINARY): Promise<() => Promise<void>> {
    const slot = new DeviceSlot();
    const device = this.devices++;
    // The SDK takes two workers of a queue on one connection for a mistake.
    const connection = await NativeConnection.connect({ address: this.parts.temporal.address });
    const options = queueOptions(queue, slot, able).map(({ options, runsWorkflows, holdsDevice }) => ({
      connection,
      ...options,
      activities: this.timed(device),
      interceptors: { activity: holdsDevice ? [slot.interceptor] : [] },
      maxHeartbeatThrottleInterval: '100ms' as const,
      defaultHeartbeatThrottleInterval: '100ms' as const,
      ...(runsWorkflows && { workflowBundle: this.parts.bundle }),
    }));
    const started = (await Promise.all(options.map((each) => Worker.create(each)))).map((worker) => ({
      worker,
      running: worker.run(),
    }));
    let ending: Promise<void> | null = null;
    const stop = () => {
      ending ??= end(started).finally(() => connection.close());
      return ending;
    };
    this.ends.push(stop);
    return stop;
  }

  startRun(runId: string, spec: Partial<PipelineInput> = {}, priority = {}): Promise<WorkflowHandle> {
    const args = [{ name: 'simulated', preprocess: { source: `/data/${runId}` }, ...spec }];
    const options = { workflowId: runId, taskQueue: environment.taskQueue(), args, priority };
    return this.client.workflow.start('gistPipeline', options);
  }

  startSweep(sweepId: string, spec: object): Promise<WorkflowHandle> {
    const options = { workflowId: sweepId, taskQueue: environment.taskQueue(), args: [spec] };
    return this.client.workflow.start(DATASET_SIZE_SWEEP, options);
  }

  async stop(): Promise<void> {
    const { client, temporal, folder } = this.parts;
    await Promise.all(this.ends.map((end) => end()));
    await client.connection.close();
    await temporal.stop();
    rmSync(folder, { recursive: true, force: true });
  }

  /** The activities of one worker. */
  private timed(device: number) {
    const activities = { ...this.activities, train: (input: TrainInput) => this.train(device, input) };
    type Activity = (input: never) => Promise<unknown>;
    const timed =
      (type: string, activity: Activity): Activity =>
      async (input) => {
        const { info } = Context.current();
        const startedMs = Date.now();
        try {
          if (type !== 'train') await sleep(this.durations[type] ?? 0);
          return await activity(input);
        } finally {
          const runId = (info.workflowExecution?.workflowId ?? '').replace(/\/train$/, '');
          const waitedMs = startedMs - info.currentAttemptScheduledTimestampMs;
          this.done.push({ runId, type, device, waitedMs, startedMs, endedMs: Date.now() });
        }
      };
    return Object.fromEntries(
      Object.entries(activities).map(([type, activity]) => [type, timed(type, activity)]),
    );
  }

  /** Trains kimg by kimg, and returns its last state when it is canceled. */
  private async train(device: number, { runId, targetKimg }: TrainInput): Promise<TrainActivityResult> {
    const other = this.training.get(device);
    if (other !== undefined) throw new Error(`${runId} and ${other} train on the same device`);
    this.training.set(device, runId);
    const { cancellationSignal } = Context.current();
    const record = this.recordOf(runId);
    try {
      await keepPlace();
      while (record.kimg < targetKimg && !cancellationSignal.aborted) {
        await sleep(this.durations.train ?? 0);
        record.kimg = Math.min(targetKimg, record.kimg + 1);
        Context.current().heartbeat(record.kimg);
        if (record.failTraining) throw record.failTraining;
      }
      const last = record.snapshot(record.kimg);
      return { last, snapshots: [last] };
    } finally {
      this.training.delete(device);
    }
  }
}

async function end(workers: { worker: Worker; running: Promise<void> }[]): Promise<void> {
  for (const { worker } of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  await Promise.all(workers.map(({ running }) => running));
}
