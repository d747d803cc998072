/** The programs of the embedded stack: how each is started and probed. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from '@temporalio/client';
import { z } from 'zod';
import type { WireError } from '../../core/errors.js';
import { partPath } from '../../core/parts.js';
import type { ProcessId } from '../../core/process-id.js';
import type { BucketState } from './bucket.js';
import { innerKeys } from './keys.js';
import { PREFERRED } from './ports.js';
import { listensOn, startDetached } from './processes.js';
import { BUCKET, type StackFolder, type StackPart, type StackState } from './state.js';

const HOST = '127.0.0.1';
/** How long Temporal keeps runs that have ended. */
const RETENTION_MS = 90 * 24 * 60 * 60 * 1000;
const WORKER_MAIN = fileURLToPath(new URL('../../workers/main.js', import.meta.url));

/** The environment as given by the user; commands later add the addresses of embedded servers. */
export const GIVEN_ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env };

/** The parts that this stack runs itself; the environment names the others. */
export function embeddedParts(
  env: NodeJS.ProcessEnv = GIVEN_ENVIRONMENT,
): Exclude<StackPart, 'supervisor'>[] {
  const temporalIsGiven = Boolean(env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE);
  const s3IsGiven = Boolean(env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || env.GIST_STORE);
  if (temporalIsGiven && s3IsGiven) return [];
  return [...(temporalIsGiven ? [] : ['temporal' as const]), ...(s3IsGiven ? [] : ['s3' as const]), 'worker'];
}

export function temporalAddress({ ports }: StackState): string {
  return `${HOST}:${ports.temporal}`;
}

export function uiAddress({ ports }: StackState): string {
  return `http://${HOST}:${ports.ui}`;
}

/** Variables that configure a process for the embedded servers. */
export function environmentOf(state: StackState, parts = embeddedParts()): Record<string, string> {
  const env: Record<string, string> = {};
  if (parts.includes('temporal')) env.TEMPORAL_ADDRESS = temporalAddress(state);
  if (parts.includes('s3')) {
    env.AWS_ENDPOINT_URL = `http://${HOST}:${state.ports['s3.port']}`;
    env.AWS_ACCESS_KEY_ID = state.credentials.accessKeyId;
    env.AWS_SECRET_ACCESS_KEY = state.credentials.secretAccessKey;
    env.AWS_REGION = 'us-east-1';
    env.GIST_STORE = `s3://${BUCKET}/`;
  }
  return env;
}

export function logOf(folder: StackFolder, part: StackPart): string {
  return path.join(folder.logs, `${part}.log`);
}

function readyFile(folder: StackFolder): string {
  return folder.path('worker.ready');
}

const problemsSchema = z.array(
  z.object({ name: z.string(), what: z.string(), where: z.string().optional(), hint: z.string().optional() }),
);

/** What keeps the worker from polling, as it wrote it; empty when nothing does. */
export function workerProblems(folder: StackFolder): WireError[] {
  try {
    return problemsSchema.parse(JSON.parse(readFileSync(`${readyFile(folder)}.problem`, 'utf8')));
  } catch {
    return [];
  }
}

export function forgetWorkerProblems(folder: StackFolder): void {
  rmSync(`${readyFile(folder)}.problem`, { force: true });
}

/** Starts one part, detached, on its recorded ports and data. */
export function startPart(
  part: Exclude<StackPart, 'supervisor'>,
  folder: StackFolder,
  state: StackState,
): ProcessId {
  folder.make();
  const started = { log: logOf(folder, part), lock: folder.lock(part) };
  switch (part) {
    case 'temporal':
      return startTemporal(folder, state, started);
    case 's3':
      return startS3(folder, state, started);
    case 'worker':
      rmSync(readyFile(folder), { force: true });
      forgetWorkerProblems(folder);
      return startDetached(process.execPath, [WORKER_MAIN, '--queue', 'both'], {
        env: {
          ...GIVEN_ENVIRONMENT,
          ...environmentOf(state),
          GIST_HEARTBEAT_THROTTLE: process.env.GIST_HEARTBEAT_THROTTLE ?? '3s',
          GIST_HOME: folder.folder,
          GIST_READY_FILE: readyFile(folder),
        },
        ...started,
      });
  }
}

/**
 * Sweeps share devices by their fairness keys. A queue has one order only where its tasks are
 * written to one partition of the default four; all four are read, for tasks of earlier versions.
 */
export const FAIR_QUEUES = ['matching.enableFairness=true', 'matching.numTaskqueueWritePartitions=1'];

type Started = { log: string; lock: string };

function startTemporal(folder: StackFolder, { ports }: StackState, started: Started): ProcessId {
  const database = folder.path('temporal', 'temporal.db');
  mkdirSync(path.dirname(database), { recursive: true });
  const args = [
    'server',
    'start-dev',
    '--ip',
    HOST,
    '--port',
    String(ports.temporal),
    '--ui-ip',
    HOST,
    '--ui-port',
    String(ports.ui),
  ];
  const rest = [
    '--metrics-port',
    String(ports.temporalMetrics),
    '--db-filename',
    database,
    '--log-level',
    'warn',
    ...FAIR_QUEUES.flatMap((setting) => ['--dynamic-config-value', setting]),
  ];
  return startDetached(partPath('temporal'), [...args, ...rest], { env: process.env, ...started });
}

/**
 * Sockets of SeaweedFS. Under its own names a socket that another user has left, of a server on the
 * same port, ends it at once; in the stack's folder, a path may be too long for a socket.
 */
function socket(ports: StackState['ports'], server: string): string {
  return path.join(tmpdir(), `gist-${process.getuid?.() ?? 0}-${server}-${ports[`${server}.port`]}.sock`);
}

function startS3(folder: StackFolder, state: StackState, started: Started): ProcessId {
  const { ports, credentials } = state;
  const data = folder.path('s3');
  mkdirSync(data, { recursive: true });
  const flags = [
    `-dir=${data}`,
    `-ip=${HOST}`,
    `-ip.bind=${HOST}`,
    '-admin.ui=false',
    '-webdav=false',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-master.telemetry=false',
    `-s3.localSocket=${socket(ports, 's3')}`,
    `-filer.localSocket=${socket(ports, 'filer')}`,
  ];
  const chosen = Object.entries(ports).filter(([name]) => name in PREFERRED && name.includes('.port'));
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...innerKeys(folder, state),
  };
  return startDetached(
    partPath('weed'),
    ['mini', ...flags, ...chosen.map(([name, port]) => `-${name}=${port}`)],
    { env, ...started },
  );
}

/** Probes a part as its users would, after checking that our own process holds its port. */
export async function isServing(
  part: Exclude<StackPart, 'supervisor'>,
  folder: StackFolder,
  state: StackState,
): Promise<boolean> {
  switch (part) {
    case 'temporal':
      return (
        listensOn(state.processes.temporal, state.ports.temporal) && temporalServes(temporalAddress(state))
      );
    case 's3':
      return (
        listensOn(state.processes.s3, state.ports['s3.port']) && (await bucketOf(folder, state)) === 'serving'
      );
    case 'worker':
      return existsSync(readyFile(folder));
  }
}

async function temporalServes(address: string): Promise<boolean> {
  const { Connection } = await import('@temporalio/client');
  try {
    // Long enough for a slow machine that also loads libraries.
    const connection = await Connection.connect({ address, connectTimeout: '5 seconds' });
    try {
      await keepRuns(connection.workflowService);
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** The development server's own default is a day. */
async function keepRuns(service: Connection['workflowService']): Promise<void> {
  const { msToTs, optionalTsToMs } = await import('@temporalio/common/lib/time.js');
  const namespace = 'default';
  const { config } = await service.describeNamespace({ namespace });
  if (optionalTsToMs(config?.workflowExecutionRetentionTtl) === RETENTION_MS) return;
  const workflowExecutionRetentionTtl = msToTs(RETENTION_MS);
  await service.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}

/** State of the bucket of the embedded store. Loads the S3 client, which takes a while. */
export async function bucketOf(folder: StackFolder, state: StackState): Promise<BucketState> {
  const { bucketState } = await import('./bucket.js');
  return bucketState(folder, state, environmentOf(state));
}
