/** One set-up at a time on one cache: a lock of the kernel, which no kill, however hard, leaves behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { python } from './prerequisites.mjs';
import { SetupError, say } from './say.mjs';

/** Node has no file locks, Python has. The lock is kept until every holder of the other end of its standard input is dead. */
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

/** For programs that set-up starts: who inherits it keeps the lock as well. */
export function lockKeeper() {
  return keeper;
}

/** Runs `work` while no other set-up, nor a program that one started, is at work on the same cache. */
export async function withLock(file, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  const child = spawn(python(), ['-c', KEEPER, file], { stdio: ['pipe', 'pipe', 'pipe'] });
  await held(child, file);
  keeper = child.stdin;
  try {
    return await work();
  } finally {
    keeper = undefined;
    // Whoever goes on from here may not come back to the event loop for hours, as a bench that waits for its programs.
    await once(child.stdin.end(), 'close');
  }
}

function held(child, file) {
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('waiting')) say('another set-up is at work; waiting for it');
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
