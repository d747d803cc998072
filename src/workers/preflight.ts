/** What a worker tries before it polls: store, folders and device must work on this machine. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { duration } from '../core/duration.js';
import { environment } from '../core/environment.js';
import { type GistError, reviveError, SetupError, type WireError, wireError } from '../core/errors.js';
import { openStore } from '../storage/index.js';

export type Queue = 'cpu' | 'gpu' | 'both';

const DEVICE_MAIN = fileURLToPath(new URL('./device-check-main.js', import.meta.url));
/** Compiling kernels for a card that the library was not built for takes minutes. */
const DEVICE_MS = 15 * 60_000;
/** An activity whose failure waits for a check sends no heartbeats. */
const RECHECK_DEVICE_MS = 60_000;
const STORE_OPTIONS = { attempts: 2, idleTimeoutMs: 10_000 };

/** Everything that keeps this machine from doing the work of a queue; empty when nothing does. */
export function preflight(
  queue: Queue,
  signal?: AbortSignal,
  deviceMs: number = DEVICE_MS,
): Promise<WireError[]> {
  return problemsOf([
    checkStore(),
    ...folderChecks(),
    ...(queue === 'cpu' ? [] : [checkDevice(deviceMs, signal)]),
  ]);
}

/**
 * The same after a failure. A training in progress keeps the device for itself, and waits by itself
 * until the store serves again.
 */
export function recheck(queue: Queue, isTraining: boolean): Promise<WireError[]> {
  if (isTraining) return problemsOf(folderChecks());
  return problemsOf([
    checkStore(),
    ...folderChecks(),
    ...(queue === 'cpu' ? [] : [checkDevice(RECHECK_DEVICE_MS)]),
  ]);
}

async function problemsOf(checks: Promise<void>[]): Promise<WireError[]> {
  const outcomes = await Promise.allSettled(checks);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [wireError(outcome.reason)] : []));
}

function folderChecks(): Promise<void>[] {
  return [checkDataCache(), checkFolder(tmpdir(), 'the folder for temporary files', 'TMPDIR')];
}

/** Another user, who came first, may have made a folder in a place that all may write. */
async function checkDataCache(): Promise<void> {
  const [cache, variable] = [environment.dataCacheFolder(), 'GIST_DATA_CACHE'];
  await checkFolder(path.join(cache, 'datasets'), 'the cache of training sets', variable);
  await checkFolder(path.join(cache, 'spool'), 'the folder for states of trainings', variable);
}

/** Writes, reads and deletes an object. */
async function checkStore(): Promise<void> {
  const store = openStore(environment.storeUri(), STORE_OPTIONS);
  const key = `workers/preflight-${randomBytes(8).toString('hex')}.txt`;
  try {
    await store.put(key, Buffer.from('preflight\n'));
    await store.get(key);
    await store.delete(key);
  } catch (error) {
    throw reviveError({ ...wireError(error), where: store.uri });
  }
}

/** @param variable that names another folder */
async function checkFolder(folder: string, what: string, variable: string): Promise<void> {
  const file = path.join(folder, `gist-preflight-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(file, 'preflight\n', { mode: 0o600 });
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new SetupError({
      what: `${what} cannot be written (${code})`,
      where: folder,
      hint:
        code === 'ENOSPC'
          ? `Free space on its disk, or set ${variable} to a folder on another disk.`
          : `Set ${variable} to a folder that this user may write.`,
      cause,
    });
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

/** In a child process: the worker itself never loads TensorFlow, and the child may crash. */
function checkDevice(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(DEVICE_MAIN, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      killSignal: 'SIGKILL',
      signal,
      timeout: milliseconds,
    });
    let problem: WireError | undefined;
    // Aborted, or not started at all.
    child.once('error', reject);
    child.on('message', (message: WireError) => {
      problem = message;
    });
    child.once('exit', (code, killedBy) => {
      if (code === 0) resolve();
      else if (problem) reject(reviveError(problem));
      else reject(child.killed ? deviceHangs(milliseconds) : deviceCrashed(killedBy ?? `exit code ${code}`));
    });
  });
}

function deviceHangs(milliseconds: number): GistError {
  return new SetupError({
    what: `the device has not finished a small computation within ${duration(milliseconds / 1000)}`,
    where: `GIST_TENSORFLOW=${environment.tensorflow()}`,
    hint: 'Look for another program that uses it; on a machine with a GPU, check nvidia-smi and the log of its driver.',
  });
}

function deviceCrashed(how: string): GistError {
  return new SetupError({
    what: `TensorFlow ends its process on this machine (${how})`,
    where: `GIST_TENSORFLOW=${environment.tensorflow()}`,
    hint: 'Run `gist doctor`; on a machine with a GPU, check its driver with nvidia-smi.',
  });
}
