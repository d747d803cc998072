/** Starts, inspects and stops the embedded stack: Temporal, S3 and a worker on this machine. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environment } from '../../core/environment.js';
import { reviveError, StackError } from '../../core/errors.js';
import { isAlive, type ProcessId } from '../../core/process-id.js';
import { keepFilesPrivate } from '../../core/process-start.js';
import { diskProblem, isFull } from './disk.js';
import { withLock } from './lock.js';
import { assertOnThisMachine, claimForThisMachine, foreignMachine, releaseMachine } from './machine.js';
import {
  bucketOf,
  embeddedParts,
  environmentOf,
  forgetWorkerProblems,
  GIVEN_ENVIRONMENT,
  isServing,
  logOf,
  temporalAddress,
  uiAddress,
  workerProblems,
} from './parts.js';
import { assignPorts } from './ports.js';
import { assertOurs, foreignOwner } from './owner.js';
import { end, signal, startDetached, tail } from './processes.js';
import { STACK_PARTS, StackFolder, type StackPart } from './state.js';

const CLI_MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const UP_MS = 90_000;
/** A worker tests its device first, which takes minutes on a card that is new to the library. */
const WORKER_UP_MS = UP_MS + 15 * 60_000;
/** What a worker has for its own end, after the checkpoint of its trainer. */
const WORKER_END_MS = 10_000;
const SERVER_GRACE_MS = 10_000;
/** A supervisor writes a lost record again within this time. */
const RECORD_MS = 5_000;

/** State of one part. */
export interface PartStatus {
  part: StackPart;
  /** `yours`: the environment names the user's own server. */
  state: 'serving' | 'starting' | 'stopped' | 'yours';
  pid: number | null;
  address: string | null;
  log: string | null;
}

/** @throws StackError when the stack is another user's or runs on another machine */
export function openStackFolder(): StackFolder {
  const folder = new StackFolder(environment.stateFolder());
  assertOurs(folder.folder);
  if (embeddedParts().length > 0) assertOnThisMachine(folder);
  return folder;
}

export interface UpOptions {
  /** Called with a line for each part that is started. */
  onProgress?: (line: string) => void;
  /** Makes the bucket again after it was deleted. */
  recreateBucket?: boolean;
}

/**
 * Starts every part that does not run, waits until all serve, and configures this process for them.
 *
 * @throws StackError with the end of the log of a part that does not start
 */
export async function up({
  onProgress = () => undefined,
  recreateBucket,
}: UpOptions = {}): Promise<PartStatus[]> {
  const parts = embeddedParts();
  if (parts.length === 0) return statusOf(openStackFolder(), parts);
  const folder = openStackFolder();
  keepFilesPrivate();
  makeFolder(folder);
  await withLock(folder.path('stack.lock'), async () => {
    await recoverRecord(folder, onProgress);
    if (recreateBucket) folder.write({ ...folder.read(), bucketMade: false });
    restartUnfitWorker(folder);
    claimForThisMachine(folder);
    // A running supervisor writes the state too, and its parts keep their ports.
    if (!isAlive(folder.read().processes.supervisor)) {
      await assignPorts(folder);
      startSupervisor(folder, onProgress);
    }
    await waitUntilServing(folder, parts, onProgress);
  });
  Object.assign(process.env, environmentOf(folder.read(), parts));
  return statusOf(folder, parts);
}

/** Stops every part: first the worker, whose trainer writes a checkpoint, then the servers. */
export async function down(onProgress: (line: string) => void = () => undefined): Promise<void> {
  const folder = openStackFolder();
  if (!existsSync(folder.folder)) return;
  keepFilesPrivate();
  const stop = () => stopParts(folder, onProgress);
  // The lock is a file, for which a full disk has no room.
  if (diskProblem(folder.folder)) await stop();
  else await withLock(folder.path('stack.lock'), stop);
}

async function stopParts(folder: StackFolder, onProgress: (line: string) => void): Promise<void> {
  const { processes, graceMs = environment.graceMs() } = folder.read();
  const workerMs = graceMs + WORKER_END_MS;
  for (const part of ['supervisor', 'worker', 'temporal', 's3'] as const) {
    // The supervisor may have replaced a process meanwhile.
    const id = folder.read().processes[part] ?? processes[part];
    if (!isAlive(id)) continue;
    onProgress(`stopping ${part}`);
    await end(id, part === 'worker' ? workerMs : SERVER_GRACE_MS);
  }
  releaseMachine(folder);
  if (!folder.hasRecord) return;
  try {
    folder.write({ ...folder.read(), processes: {} });
  } catch (error) {
    // The record names processes that have ended, which is seen by their start times.
    if (!isFull(error)) throw error;
  }
}

function makeFolder(folder: StackFolder): void {
  try {
    folder.make();
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new StackError({
      what: `the folder of the stack cannot be written (${code})`,
      where: folder.folder,
      hint: 'Set GIST_HOME to a folder that this user may write.',
      cause,
    });
  }
}

/**
 * Without the record, ports and keys of a running stack are known to its supervisor only; without
 * that one too, what runs is stopped, so that no second server opens its data.
 */
async function recoverRecord(folder: StackFolder, onProgress: (line: string) => void): Promise<void> {
  const deadline = Date.now() + RECORD_MS;
  while (!folder.hasRecord && isAlive(folder.read().processes.supervisor) && Date.now() < deadline)
    await sleep(100);
  if (!folder.hasRecord) await stopParts(folder, onProgress);
}

/** It tries again by itself, but later. */
function restartUnfitWorker(folder: StackFolder): void {
  const { worker } = folder.read().processes;
  if (workerProblems(folder).length === 0 || !worker) return;
  signal(worker, 'SIGTERM');
  forgetWorkerProblems(folder);
}

/** State of every part; starts none. */
export async function status(): Promise<PartStatus[]> {
  return statusOf(openStackFolder(), embeddedParts());
}

/** Configures this process for the embedded stack, except where the environment names servers. */
export function useStack(): void {
  const folder = new StackFolder(environment.stateFolder());
  if (foreignOwner(folder.folder) !== null || foreignMachine(folder) !== null) return;
  const state = folder.read();
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
  // That of the worker, which inherits this environment; `gist down` may have another one.
  folder.write({ ...folder.read(), graceMs: environment.graceMs() });
  folder.setProcess(
    'supervisor',
    startDetached(process.execPath, [CLI_MAIN, 'supervise'], {
      env,
      log: logOf(folder, 'supervisor'),
      lock: folder.lock('supervisor'),
    }),
  );
}

async function waitUntilServing(
  folder: StackFolder,
  parts: ReturnType<typeof embeddedParts>,
  onProgress: (line: string) => void,
): Promise<void> {
  const start = Date.now();
  for (const part of parts) {
    let first: ProcessId | undefined;
    while (!(isAlive(folder.read().processes[part]) && (await isServing(part, folder, folder.read())))) {
      const { [part]: now } = folder.read().processes;
      if (part === 'worker' && now && !first) onProgress('the worker tests the device');
      first ??= now;
      // A worker that was replaced has crashed; it is not testing for long.
      const isTesting = part === 'worker' && now?.pid === first?.pid;
      const deadline = start + (isTesting ? WORKER_UP_MS : UP_MS);
      const problem = await problemOf(part, folder);
      if (problem) throw problem;
      if (Date.now() > deadline || !isAlive(folder.read().processes.supervisor))
        throw notServing(part, folder);
      await sleep(200);
    }
  }
}

/** What waiting does not end. */
async function problemOf(part: StackPart, folder: StackFolder): Promise<Error | undefined> {
  const disk = diskProblem(folder.folder);
  if (disk)
    return new StackError({
      what: `${part} does not serve: ${disk}`,
      where: folder.folder,
      hint: 'Free space on it; the stack then continues by itself.',
    });
  const state = folder.read();
  if (part === 'worker') {
    const [first] = workerProblems(folder);
    return first && reviveError(first);
  }
  if (part !== 's3' || !isAlive(state.processes.s3)) return undefined;
  if (!state.bucketMade || (await bucketOf(folder, state)) !== 'lost') return undefined;
  return new StackError({
    what: 'the bucket "gist" of the embedded store, or all that was in it, has been deleted',
    where: folder.path('s3'),
    hint: '`gist up --recreate-bucket` makes an empty one; runs that need its objects will fail.',
  });
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
  const isKnown = Object.keys(state.ports).length > 0;
  const addresses: Partial<Record<StackPart, string>> = isKnown
    ? {
        temporal: `${temporalAddress(state)}, UI ${uiAddress(state)}`,
        s3: `http://127.0.0.1:${state.ports['s3.port']}`,
      }
    : {};
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
