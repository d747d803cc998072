/**
 * Lock for one set-up at a time per cache. The kernel releases it when the processes end, even on
 * SIGKILL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { python } from './prerequisites.mjs';
import { SetupError, say } from './say.mjs';

/**
 * Python program that holds the lock, since Node.js has no file locks. It ends when all processes
 * that hold the other end of its standard input have ended.
 */
const KEEPER = `
import fcntl, sys
with open(sys.argv[1], 'a') as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print('waiting', flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    print('held', flush=True)
    sys.stdin.read()
`;

let keeper;

/**
 * Stream that keeps the lock. Programs that set-up starts inherit it, so they hold the lock too.
 */
export function lockKeeper() {
  return keeper;
}

/** Runs `work` while no other set-up, or a program that it started, uses the same cache. */
export async function withLock(file, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  const child = spawn(python(), ['-c', KEEPER, file], { stdio: ['pipe', 'pipe', 'pipe'] });
  await held(child, file);
  keeper = child.stdin;
  try {
    return await work();
  } finally {
    keeper = undefined;
    // Waits for the release: the caller may block the event loop for hours, as benchmarks do.
    await once(child.stdin.end(), 'close');
  }
}

function held(child, file) {
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('waiting')) say('another set-up is running; waiting for it to end');
      if (String(chunk).includes('held')) resolve();
    });
    child.once('error', reject);
    child.once('close', () => {
      const reason = errors.trim().split('\n').at(-1);
      reject(
        new SetupError(
          `${file} cannot be locked (${reason}). Set GIST_CACHE_DIR to a folder on a local disk.`,
        ),
      );
    });
  });
}
