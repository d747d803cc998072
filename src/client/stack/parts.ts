/** The programs of the embedded stack: how each is started and probed. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { partPath } from '../../core/parts.js';
import { listensOn, type ProcessId, startDetached } from './processes.js';
import type { StackFolder, StackPart, StackState } from './state.js';

const HOST = '127.0.0.1';
const BUCKET = 'gist';
/** An object that is read to check whether the store serves. */
const PROBE_KEY = 'stack/probe.txt';
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

/** Starts one part, detached, on its recorded ports and data. */
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
      return listensOn(state.processes.s3, state.ports['s3.port']) && s3Serves(environmentOf(state));
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
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** Reads an object: the gateway answers before its bucket exists and lists before volumes serve. */
async function s3Serves(env: Record<string, string>): Promise<boolean> {
  const { openStore } = await import('../../storage/index.js');
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const store = openStore(env.GIST_STORE as string, { attempts: 1, idleTimeoutMs: 2_000 });
    if (!(await store.head(PROBE_KEY))) await store.put(PROBE_KEY, Buffer.from('ready\n'));
    await store.get(PROBE_KEY);
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
