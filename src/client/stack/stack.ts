/** The embedded stack: Temporal, S3 and a worker on this machine, brought up, looked at and taken down. */
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
import { settlePorts } from './ports.js';
import { end, isAlive, startDetached, tail } from './processes.js';
import { STACK_PARTS, StackFolder, type StackPart } from './state.js';

const CLI_MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const UP_MS = 90_000;
/** A trainer is given this long for its last checkpoint. */
const WORKER_GRACE_MS = 120_000;
const SERVER_GRACE_MS = 10_000;

/** How one part fares. */
export interface PartStatus {
  part: StackPart;
  /** `yours`: the environment names a server of the user's. */
  state: 'serving' | 'starting' | 'stopped' | 'yours';
  pid: number | null;
  address: string | null;
  log: string | null;
}

export function openStackFolder(): StackFolder {
  return new StackFolder(environment.stateFolder());
}

/**
 * Starts what does not run, waits until all of it serves, and points this process at it.
 *
 * @param tell hears of what is being started
 * @throws StackError with the end of the log of a part that does not come up
 */
export async function up(tell: (line: string) => void = () => undefined): Promise<PartStatus[]> {
  const parts = embeddedParts();
  if (parts.length === 0) return statusOf(openStackFolder(), parts);
  const folder = openStackFolder();
  mkdirSync(folder.folder, { recursive: true });
  await withLock(folder.path('stack.lock'), async () => {
    // A living supervisor writes the state too, and its parts keep their ports.
    if (!isAlive(folder.read().processes.supervisor)) {
      await settlePorts(folder);
      startSupervisor(folder, tell);
    }
    await untilServing(folder, parts);
  });
  Object.assign(process.env, environmentOf(folder.read(), parts));
  return statusOf(folder, parts);
}

/** Stops everything that this stack runs: first the worker, whose trainer leaves a checkpoint, then the servers. */
export async function down(tell: (line: string) => void = () => undefined): Promise<void> {
  const folder = openStackFolder();
  await withLock(folder.path('stack.lock'), async () => {
    for (const part of ['supervisor', 'worker', 'temporal', 's3'] as const) {
      const id = folder.read().processes[part];
      if (isAlive(id)) {
        tell(`stopping ${part}`);
        await end(id, part === 'worker' ? WORKER_GRACE_MS : SERVER_GRACE_MS);
      }
      folder.remember(part, null);
    }
  });
}

/** How every part fares, without starting any. */
export async function status(): Promise<PartStatus[]> {
  return statusOf(openStackFolder(), embeddedParts());
}

/** Points this process at the embedded stack, if there is one here; leaves it alone where the environment names the servers. */
export function useStack(): void {
  const state = openStackFolder().read();
  if (Object.keys(state.ports).length > 0) Object.assign(process.env, environmentOf(state));
}

/**
 * {@link useStack} for those who need its Temporal server now.
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
      hint: 'Start it with `gist up`; its runs go on then.',
    });
  }
  useStack();
}

function startSupervisor(folder: StackFolder, tell: (line: string) => void): void {
  tell('starting Temporal, S3 and a worker on this machine');
  const env = { ...GIVEN_ENVIRONMENT, GIST_HOME: folder.folder };
  folder.remember(
    'supervisor',
    startDetached(process.execPath, [CLI_MAIN, 'supervise'], { env, log: logOf(folder, 'supervisor') }),
  );
}

async function untilServing(folder: StackFolder, parts: ReturnType<typeof embeddedParts>): Promise<void> {
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
    what: `${part} does not come up; it said last:\n${words}\n`,
    where: log,
    hint: 'Look at the log, run `gist doctor`, then `gist up` again.',
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
