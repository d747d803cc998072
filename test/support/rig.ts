/**
 * A deployment for a test: Temporal, S3 and one worker, all real; each can be killed and restarted.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { writePhantoms } from '../../examples/phantoms/index.js';
import { progressOf } from '../../src/client/index.js';
import { newestVerified } from '../../src/checkpoints/index.js';
import { PIPELINE_WORKFLOW, type RunProgress } from '../../src/spec/controls.js';
import type { PipelineInput } from '../../src/spec/pipeline.js';
import type { CheckpointRef, PipelineResult } from '../../src/spec/results.js';
import { openStore, type ObjectStore } from '../../src/storage/index.js';
import { FaultyProxy } from './faulty-proxy.js';
import { descendants } from './processes.js';
import { type Seaweed, startSeaweed } from './seaweed.js';
import { TestTemporal } from './temporal.js';
import { TestWorker } from './worker.js';

/** The smallest training that has several checkpoints and lasts long enough to be interrupted. */
export const TINY_TRAIN: PipelineInput['train'] = {
  cfg: 'stylegan2',
  aug: 'none',
  kimg: 3.2,
  batch: 8,
  cbase: 256,
  cmax: 16,
  mapDepth: 2,
  zDim: 16,
  wDim: 16,
  snapshotKimg: 0.8,
  snapshotMetrics: [],
  stopWhen: null,
  threads: 1,
};

/** The running servers of a deployment. */
interface Servers {
  temporal: TestTemporal;
  connection: Connection;
  s3: Seaweed;
  /** Only the worker and its trainers connect to the S3 server through it. */
  s3Proxy: FaultyProxy;
}

export class Rig {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'gist-rig-'));
  readonly temporal: TestTemporal;
  readonly s3: Seaweed;
  readonly s3Proxy: FaultyProxy;
  readonly worker: TestWorker;
  readonly store: ObjectStore;
  /** Variables that point a command at this deployment. */
  readonly env: Record<string, string>;
  private readonly connection: Connection;

  private constructor({ temporal, connection, s3, s3Proxy }: Servers) {
    this.temporal = temporal;
    this.connection = connection;
    this.s3 = s3;
    this.s3Proxy = s3Proxy;
    const uri = `s3://${s3.bucket}/`;
    this.env = { ...s3.env, TEMPORAL_ADDRESS: temporal.address, GIST_STORE: uri, GIST_HOME: this.folder };
    const throughProxy = { ...this.env, AWS_ENDPOINT_URL: s3Proxy.endpoint };
    this.worker = new TestWorker(throughProxy, path.join(this.folder, 'worker.log'));
    this.store = openStore(uri);
  }

  static async start(): Promise<Rig> {
    const [temporal, s3] = await Promise.all([TestTemporal.start(), startSeaweed()]);
    s3.applyEnv();
    const connection = await Connection.connect({ address: temporal.address });
    const rig = new Rig({ temporal, connection, s3, s3Proxy: await FaultyProxy.open(s3.endpoint) });
    await rig.worker.start();
    return rig;
  }

  /** A folder of phantom images with a subfolder for each class. */
  async phantoms(count: number): Promise<string> {
    const source = path.join(this.folder, `phantoms-${count}`);
    mkdirSync(source, { recursive: true });
    await writePhantoms({ folder: source, count, seed: 0 });
    return source;
  }

  get client(): Client {
    return new Client({ connection: this.connection });
  }

  startRun(workflowId: string, spec: PipelineInput, taskQueue = 'gist'): Promise<WorkflowHandle> {
    return this.client.workflow.start(PIPELINE_WORKFLOW, { workflowId, taskQueue, args: [spec] });
  }

  progress(handle: WorkflowHandle): Promise<RunProgress> {
    return handle.query<RunProgress, []>('progress');
  }

  /** Step of a run's trainer, by its newest heartbeat. */
  async liveStep(workflowId: string): Promise<number | undefined> {
    return (await progressOf(this.client, workflowId)).live?.step;
  }

  /** The result of a run, requested again while the server is unavailable. */
  async result(workflowId: string): Promise<PipelineResult> {
    for (;;) {
      try {
        return (await this.client.workflow.getHandle(workflowId).result()) as PipelineResult;
      } catch (error) {
        if (error instanceof Error && error.name === 'WorkflowFailedError') throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  trainerPids(): number[] {
    return descendants(this.worker.pid, 'trainer-process');
  }

  /** Digests of the parts of a checkpoint that hold weights and optimizer state, by their role. */
  async weightDigests(checkpoint: CheckpointRef): Promise<Record<string, string>> {
    const manifest = JSON.parse(
      Buffer.from(await this.store.get(`${checkpoint.prefix}manifest.json`)).toString('utf8'),
    ) as {
      parts: Record<string, { sha256: string }>;
    };
    const tensors = Object.entries(manifest.parts).filter(
      ([role]) => !role.includes('preview') && !role.includes('stats'),
    );
    return Object.fromEntries(tensors.map(([role, { sha256 }]) => [role, sha256]));
  }

  /** The newest checkpoint of a run that verifies, as the store has it. */
  async newestCheckpoint(runId: string): Promise<CheckpointRef | null> {
    return (await newestVerified(this.store, runId, () => undefined))?.ref ?? null;
  }

  /** Steps from which the attempts of a run's training resumed, from the worker's log. */
  resumedSteps(runId: string): number[] {
    const lines = readFileSync(path.join(this.folder, 'worker.log'), 'utf8').split('\n');
    const starts = lines.filter(
      (line) => line.includes('training starts') && line.includes(`runId=${runId} `),
    );
    return starts.map((line) => Number(/resumedFromStep=(\d+)/.exec(line)?.[1]));
  }

  async stop(): Promise<void> {
    await this.worker.end('SIGKILL');
    await this.connection.close();
    await Promise.all([this.temporal.stop(), this.s3Proxy.close(), this.s3.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a condition holds; an error counts as "not yet". */
export async function until(what: string, condition: () => Promise<boolean>, seconds = 180): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await condition().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}
