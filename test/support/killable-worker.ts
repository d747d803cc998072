/**
 * A worker process of a simulated sweep, which may be killed at any time: the state of trainings is
 * in files, as that of real ones is in the store.
 *
 * Arguments: address of Temporal, folder, number of devices.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { TrainActivityResult, TrainInput } from '../../src/activities/train.js';
import { deploymentQueues } from '../../src/spec/task-queues.js';
import { openStore } from '../../src/storage/index.js';
import { DeviceSlot } from '../../src/workers/device-slot.js';
import { failAbandoned, InFlight } from '../../src/workers/in-flight.js';
import { queueOptions } from '../../src/workers/queue-options.js';
import { RunRecord, simulatedWork } from './simulated-work.js';

/** The code of the workflows, in the folder. */
const BUNDLE = 'workflows.js';
const KIMG_MS = 100;

const [address = '', folder = '', devices = '1'] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const work = simulatedWork('none', 1, openStore(pathToFileURL(path.join(folder, 'store')).href));
const snapshotOf = (kimg: number) => new RunRecord().snapshot(kimg);

const activities = {
  ...work.activities,
  resolveRun: async (input: Parameters<typeof work.activities.resolveRun>[0]) => {
    const { workflows: _, ...taskQueues } = deploymentQueues('gist', 'gist-gpu');
    return { ...(await work.activities.resolveRun(input)), taskQueues };
  },
  trainingRecord: async ({ runId }: { runId: string }) => {
    const kimg = trained(runId);
    const last = kimg > 0 ? snapshotOf(kimg) : null;
    return { last, snapshots: last ? [last] : [], curve: [] };
  },
  newestCheckpoint: async ({ runId }: { runId: string }) => snapshotOf(trained(runId)),
  train,
};

const stepsOf = (runId: string) => path.join(folder, 'steps', runId);

/** The kimg that a training has written. */
function trained(runId: string): number {
  mkdirSync(stepsOf(runId), { recursive: true });
  return readdirSync(stepsOf(runId)).length;
}

/** @throws EEXIST when a kimg is trained twice */
async function train({ runId, targetKimg }: TrainInput): Promise<TrainActivityResult> {
  for (let kimg = trained(runId) + 1; kimg <= targetKimg; kimg++) {
    await sleep(KIMG_MS);
    writeFileSync(path.join(stepsOf(runId), String(kimg)), '', { flag: 'wx' });
    Context.current().heartbeat(kimg);
  }
  const last = snapshotOf(targetKimg);
  return { last, snapshots: [last] };
}

async function start(): Promise<void> {
  const inFlightFolder = path.join(folder, 'in-flight');
  const client = new Client({ connection: await Connection.connect({ address }) });
  await failAbandoned(inFlightFolder, client);
  const inFlight = new InFlight(inFlightFolder);
  const workflowBundle = { codePath: path.join(folder, BUNDLE) };
  for (const part of ['cpu', ...Array.from({ length: Number(devices) }, () => 'gpu')] as ('cpu' | 'gpu')[]) {
    const connection = await NativeConnection.connect({ address });
    const slot = new DeviceSlot();
    const able = { bytes: 0, hasStylegan3: false };
    for (const { options, runsWorkflows, holdsDevice } of queueOptions(part, slot, able)) {
      const worker = await Worker.create({
        connection,
        ...options,
        activities,
        interceptors: { activity: [inFlight.interceptor, ...(holdsDevice ? [slot.interceptor] : [])] },
        ...(runsWorkflows && { workflowBundle }),
      });
      worker.run().catch(() => process.exit(1));
    }
  }
  process.stdout.write('ready\n');
}

process.on('disconnect', () => process.exit(0));
await start();
