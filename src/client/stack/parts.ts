/** The programs of the embedded stack: how each is started, and how one sees that it serves. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { partPath } from '../../core/parts.js';
import { listensOn, type ProcessId, startDetached } from './processes.js';
import type { StackFolder, StackPart, StackState } from './state.js';

const HOST = '127.0.0.1';
const BUCKET = 'gist';
/** An object that is read to see whether the store serves. */
const PROBE = 'stack/probe.txt';
const WORKER_MAIN = fileURLToPath(new URL('../../workers/main.js', import.meta.url));

/** The environment as the user gave it: commands add the addresses of the embedded servers to their own later. */
export const GIVEN_ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env };

/** Which servers this stack runs itself; the others are the user's, named by the environment. */
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

/** Variables that point a process at the embedded servers; what the user has set himself stands. */
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

/** Starts one part, detached, on the ports and data that it always has. */
export function startPart(
  part: Exclude<StackPart, 'supervisor'>,
  folder: StackFolder,
  state: StackState,
): ProcessId {
  mkdirSync(folder.logs, { recursive: true });
  const log = logOf(folder, part);
  switch (part) {
    case 'temporal':
      return startTemporal(folder, state, log);
    case 's3':
      return startS3(folder, state, log);
    case 'worker':
      rmSync(readyFile(folder), { force: true });
      return startDetached(process.execPath, [WORKER_MAIN, '--queue', 'both'], {
        env: {
          ...GIVEN_ENVIRONMENT,
          ...environmentOf(state),
          GIST_HOME: folder.folder,
          GIST_READY_FILE: readyFile(folder),
        },
        log,
      });
  }
}

function startTemporal(folder: StackFolder, { ports }: StackState, log: string): ProcessId {
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
  ];
  return startDetached(partPath('temporal'), [...args, ...rest], { env: process.env, log });
}

function startS3(folder: StackFolder, { ports, credentials }: StackState, log: string): ProcessId {
  const data = folder.path('s3');
  mkdirSync(data, { recursive: true });
  const flags = [
    `-dir=${data}`,
    `-ip=${HOST}`,
    `-ip.bind=${HOST}`,
    '-admin.ui=false',
    '-webdav=false',
    '-master.telemetry=false',
  ];
  const chosen = Object.entries(ports).filter(([name]) => name.includes('.port'));
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    S3_BUCKET: BUCKET,
  };
  return startDetached(
    partPath('weed'),
    ['mini', ...flags, ...chosen.map(([name, port]) => `-${name}=${port}`)],
    { env, log },
  );
}

/** Whether a part serves: asked as its users would ask, once it is our own process that would answer and not another stack's. */
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
      return listensOn(state.processes.s3, state.ports['s3.port']) && s3Serves(environmentOf(state));
    case 'worker':
      return existsSync(readyFile(folder));
  }
}

async function temporalServes(address: string): Promise<boolean> {
  const { Connection } = await import('@temporalio/client');
  try {
    // Long enough for a slow machine that loads libraries at the same time.
    const connection = await Connection.connect({ address, connectTimeout: '5 seconds' });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** Reads a real object: the gateway answers before its bucket is there, and lists before its volumes can be read. */
async function s3Serves(env: Record<string, string>): Promise<boolean> {
  const { openStore } = await import('../../storage/index.js');
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const store = openStore(env.GIST_STORE as string, { attempts: 1, silenceMs: 2_000 });
    if (!(await store.head(PROBE))) await store.put(PROBE, Buffer.from('ready\n'));
    await store.get(PROBE);
    return true;
  } catch {
    return false;
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}
