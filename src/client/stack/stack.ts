/** Starts, inspects and stops the embedded stack: Temporal, S3 and a worker on this machine. */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environment } from '../../core/environment.js';
import { StackError } from '../../core/errors.js';
import { withLock } from './lock.js';
import {
  embeddedParts,
  environmentOf,
  GIVEN_ENVIRONMENT,
  isServing,
  logOf,
  temporalAddress,
  uiAddress,
} from './parts.js';
import { assignPorts } from './ports.js';
import { end, isAlive, startDetached, tail } from './processes.js';
import { STACK_PARTS, StackFolder, type StackPart } from './state.js';

const CLI_MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const UP_MS = 90_000;
/** Time for a trainer to write its last checkpoint. */
const WORKER_GRACE_MS = 120_000;
const SERVER_GRACE_MS = 10_000;

/** State of one part. */
export interface PartStatus {
  part: StackPart;
  /** `yours`: the environment names the user's own server. */
  state: 'serving' | 'starting' | 'stopped' | 'yours';
  pid: number | null;
  address: string | null;
  log: string | null;
}

export function openStackFolder(): StackFolder {
  return new StackFolder(environment.stateFolder());
}

/**
 * Starts every part that does not run, waits until all serve, and configures this process for them.
 *
 * @param onProgress called with a line for each part that is started
 * @throws StackError with the end of the log of a part that does not start
 */
export async function up(onProgress: (line: string) => void = () => undefined): Promise<PartStatus[]> {
  const parts = embeddedParts();
  if (parts.length === 0) return statusOf(openStackFolder(), parts);
  const folder = openStackFolder();
  mkdirSync(folder.folder, { recursive: true });
  await withLock(folder.path('stack.lock'), async () => {
    // A running supervisor writes the state too, and its parts keep their ports.
    if (!isAlive(folder.read().processes.supervisor)) {
      await assignPorts(folder);
      startSupervisor(folder, onProgress);
    }
    await waitUntilServing(folder, parts);
  });
  Object.assign(process.env, environmentOf(folder.read(), parts));
  return statusOf(folder, parts);
}

/** Stops every part: first the worker, whose trainer writes a checkpoint, then the servers. */
export async function down(onProgress: (line: string) => void = () => undefined): Promise<void> {
  const folder = openStackFolder();
  await withLock(folder.path('stack.lock'), async () => {
    for (const part of ['supervisor', 'worker', 'temporal', 's3'] as const) {
      const id = folder.read().processes[part];
      if (isAlive(id)) {
        onProgress(`stopping ${part}`);
        await end(id, part === 'worker' ? WORKER_GRACE_MS : SERVER_GRACE_MS);
      }
      folder.setProcess(part, null);
    }
  });
}

/** State of every part; starts none. */
export async function status(): Promise<PartStatus[]> {
  return statusOf(openStackFolder(), embeddedParts());
}

/** Configures this process for the embedded stack, except where the environment names servers. */
export function useStack(): void {
  const state = openStackFolder().read();
  if (Object.keys(state.ports).length > 0) Object.assign(process.env, environmentOf(state));
}

/**
 * {@link useStack} for callers that need its Temporal server now.
 *
 * @throws StackError when it is not up
 */
export function requireStack(): void {
  const folder = openStackFolder();
  const { temporal, supervisor } = folder.read().processes;
  if (embeddedParts().includes('temporal') && !isAlive(temporal) && !isAlive(supervisor)) {
    throw new StackError({
      what: 'the embedded stack is not up',
      where: folder.folder,
      hint: 'Start it with `gist up`; its runs then continue.',
    });
  }
  useStack();
}

function startSupervisor(folder: StackFolder, onProgress: (line: string) => void): void {
  onProgress('starting Temporal, S3 and a worker on this machine');
  const env = { ...GIVEN_ENVIRONMENT, GIST_HOME: folder.folder };
  folder.setProcess(
    'supervisor',
    startDetached(process.execPath, [CLI_MAIN, 'supervise'], { env, log: logOf(folder, 'supervisor') }),
  );
}

async function waitUntilServing(folder: StackFolder, parts: ReturnType<typeof embeddedParts>): Promise<void> {
  const deadline = Date.now() + UP_MS;
  for (const part of parts) {
    while (!(isAlive(folder.read().processes[part]) && (await isServing(part, folder, folder.read())))) {
      if (Date.now() > deadline || !isAlive(folder.read().processes.supervisor))
        throw notServing(part, folder);
      await sleep(200);
    }
  }
}

function notServing(part: StackPart, folder: StackFolder): StackError {
  const log = logOf(folder, part);
  const words = tail(log) || tail(logOf(folder, 'supervisor'));
  return new StackError({
    what: `${part} did not start; the end of its log:\n${words}\n`,
    where: log,
    hint: 'Read the log, run `gist doctor`, then `gist up` again.',
  });
}

async function statusOf(folder: StackFolder, parts: ReturnType<typeof embeddedParts>): Promise<PartStatus[]> {
  const state = folder.read();
  const addresses: Partial<Record<StackPart, string>> = {
    temporal: `${temporalAddress(state)}, UI ${uiAddress(state)}`,
    s3: `http://127.0.0.1:${state.ports['s3.port']}`,
  };
  return Promise.all(
    STACK_PARTS.map(async (part): Promise<PartStatus> => {
      const isOurs = part === 'supervisor' ? parts.length > 0 : parts.includes(part);
      if (!isOurs) return { part, state: 'yours', pid: null, address: null, log: null };
      const id = state.processes[part];
      const log = logOf(folder, part);
      if (!isAlive(id)) return { part, state: 'stopped', pid: null, address: null, log };
      const serving = part === 'supervisor' || (await isServing(part, folder, state));
      return {
        part,
        state: serving ? 'serving' : 'starting',
        pid: id.pid,
        address: addresses[part] ?? null,
        log,
      };
    }),
  );
}
