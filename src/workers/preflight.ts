/** What a worker tries before it polls: store, folders and device must work on this machine. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../core/environment.js';
import { type GistError, reviveError, SetupError, type WireError, wireError } from '../core/errors.js';
import { openStore } from '../storage/index.js';

export type Queue = 'cpu' | 'gpu' | 'both';

const DEVICE_MAIN = fileURLToPath(new URL('./device-check-main.js', import.meta.url));
/** Compiling kernels for a card that the library was not built for takes minutes. */
const DEVICE_MS = 15 * 60_000;
const STORE_OPTIONS = { attempts: 2, idleTimeoutMs: 10_000 };

/** Everything that keeps this machine from doing the work of a queue; empty when nothing does. */
export async function preflight(queue: Queue): Promise<WireError[]> {
  const checks = [
    checkStore(),
    checkFolder(environment.dataCacheFolder(), 'the cache of training sets', 'GIST_DATA_CACHE'),
    checkFolder(tmpdir(), 'the folder for temporary files', 'TMPDIR'),
    ...(queue === 'cpu' ? [] : [checkDevice()]),
  ];
  const outcomes = await Promise.allSettled(checks);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [wireError(outcome.reason)] : []));
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
function checkDevice(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(DEVICE_MAIN, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), DEVICE_MS);
    let problem: WireError | undefined;
    child.on('message', (message: WireError) => {
      problem = message;
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(problem ? reviveError(problem) : deviceCrashed(signal ?? `exit code ${code}`));
    });
  });
}

function deviceCrashed(how: string): GistError {
  return new SetupError({
    what: `TensorFlow ends its process on this machine (${how})`,
    where: `GIST_TENSORFLOW=${environment.tensorflow()}`,
    hint: 'Run `gist doctor`; on a machine with a GPU, check its driver with nvidia-smi.',
  });
}
