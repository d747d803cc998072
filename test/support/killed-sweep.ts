/** A sweep on worker processes that are killed again and again, and what became of its runs. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { DATASET_SIZE_SWEEP, type SweepResult } from '../../src/spec/sweep.js';
import { openStore } from '../../src/storage/index.js';
import { listSweepRecords } from '../../src/sweeps/index.js';
import { TestTemporal } from './temporal.js';

const WORKER = fileURLToPath(new URL('./killable-worker.js', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url));
const SWEEP = 'killed';
const CONCURRENT_READS = 20;
/** Clock ticks a second, as /proc/PID/stat counts. */
const TICKS = 100;

export interface KilledSweep {
  children: number;
  /** Worker processes. */
  workers: number;
  /** Devices of each. */
  devices: number;
  /** Length of a training. */
  kimg: number;
  kills: number;
  betweenKillsMs: number;
}

export interface KilledSweepOutcome {
  result: SweepResult;
  seconds: number;
  kills: number;
  /** Runs without a record or a whole training. */
  lost: number;
  /** Trainings that ended more than once. */
  doubled: number;
  sweepEvents: number;
  sweepBytes: number;
  /** Histories of the sweep. */
  executions: number;
  childEvents: number;
  childBytes: number;
  /** Seconds of each run in which it neither trained nor waited for a device. */
  overheads: number[];
  /** Of the server and the workers. */
  cpuSeconds: number;
}

export async function runKilledSweep(sweep: KilledSweep): Promise<KilledSweepOutcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-killed-'));
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS });
  writeFileSync(path.join(folder, 'workflows.js'), code);
  const temporal = await TestTemporal.start();
  const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
  const workers = Array.from({ length: sweep.workers }, () => start(temporal.address, folder, sweep.devices));
  let cpuSeconds = 0;
  try {
    const began = Date.now();
    const handle = await client.workflow.start(DATASET_SIZE_SWEEP, {
      workflowId: SWEEP,
      taskQueue: 'gist',
      args: [specOf(sweep)],
    });
    let isOver = false;
    const ended = (handle.result() as Promise<SweepResult>).finally(() => {
      isOver = true;
    });
    let kills = 0;
    for (; kills < sweep.kills && !isOver; kills++) {
      await Promise.race([sleep(sweep.betweenKillsMs * (0.5 + Math.random())), ended]);
      const at = Math.floor(Math.random() * workers.length);
      cpuSeconds += cpuOf(workers[at]?.pid);
      await kill(workers[at]);
      workers[at] = start(temporal.address, folder, sweep.devices);
    }
    const result = await ended;
    const seconds = (Date.now() - began) / 1000;
    for (const worker of workers) cpuSeconds += cpuOf(worker.pid);
    cpuSeconds += cpuOf(temporal.pid);
    return { result, seconds, kills, cpuSeconds, ...(await examine(client, folder, sweep)) };
  } finally {
    await Promise.all(workers.map(kill));
    await client.connection.close();
    await temporal.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function specOf({ children, kimg }: KilledSweep) {
  const run = {
    name: 'bench',
    preprocess: { source: '/data/bench' },
    train: { kimg, snapshotKimg: 1, stopWhen: null, snapshotMetrics: [] },
  };
  const repeats = children >= 100 ? 10 : 3;
  const sizes = Array.from({ length: children / repeats }, (_, i) => 100 * (i + 1));
  return { name: 'bench', run, sizes, repeats, parallel: 16 };
}

function start(address: string, folder: string, devices: number): ChildProcess {
  return fork(WORKER, [address, folder, String(devices)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Seconds of CPU that a process has used. */
function cpuOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

async function examine(client: Client, folder: string, { children, kimg }: KilledSweep) {
  const records = await listSweepRecords(openStore(pathToFileURL(path.join(folder, 'store')).href), SWEEP);
  const steps = path.join(folder, 'steps');
  const whole = records.filter(({ runId }) => readdirSync(path.join(steps, runId)).length === kimg);
  const runs: Awaited<ReturnType<typeof examineRun>>[] = [];
  for (let from = 0; from < records.length; from += CONCURRENT_READS)
    runs.push(
      ...(await Promise.all(
        records.slice(from, from + CONCURRENT_READS).map(({ runId }) => examineRun(client, runId)),
      )),
    );
  const histories = client.workflow.list({ query: `WorkflowId = '${SWEEP}'` });
  const sweeps = [];
  for await (const { runId } of histories) sweeps.push(await sizeOf(client, SWEEP, runId));
  const most = (values: number[]) => Math.max(0, ...values);
  return {
    lost: children - whole.length,
    doubled: runs.filter(({ trainings }) => trainings !== 1).length,
    sweepEvents: most(sweeps.map(({ events }) => events)),
    sweepBytes: most(sweeps.map(({ bytes }) => bytes)),
    executions: sweeps.length,
    childEvents: most(runs.map(({ events }) => events)),
    childBytes: most(runs.map(({ bytes }) => bytes)),
    overheads: runs.map(({ overhead }) => overhead).sort((a, b) => a - b),
  };
}

async function sizeOf(client: Client, workflowId: string, runId?: string) {
  const described = await client.workflow.getHandle(workflowId, runId).describe();
  const { startTime, closeTime, historyLength: events, historySize: bytes = 0 } = described;
  return { events, bytes, seconds: (Number(closeTime) - Number(startTime)) / 1000 };
}

/** Trainings that ended, and the time of a run that its training does not explain. */
async function examineRun(client: Client, runId: string) {
  const { seconds, events, bytes } = await sizeOf(client, runId);
  const history = await client.workflow.getHandle(`${runId}/train`).fetchHistory();
  const times = new Map<string, number>();
  let [trainings, training] = [0, 0];
  for (const event of history.events ?? []) {
    const at = Number(event.eventTime?.seconds ?? 0) + (event.eventTime?.nanos ?? 0) / 1e9;
    const { activityType } = event.activityTaskScheduledEventAttributes ?? {};
    if (activityType?.name === 'train') times.set(String(event.eventId), at);
    const scheduled = times.get(String(event.activityTaskCompletedEventAttributes?.scheduledEventId));
    if (scheduled === undefined) continue;
    trainings++;
    // The wait for a device and repeated attempts included.
    training += at - scheduled;
  }
  return { trainings, overhead: seconds - training, events, bytes };
}
