/** Lock of a stack: one command at a time changes it; the lock of a killed holder is broken. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, thisProcess } from '../../core/process-id.js';
import { withLockFolder } from '../../storage/lock-folder.js';

export function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const { pid, started } = thisProcess();
  return withLockFolder(
    folder,
    {
      // The name identifies the holder, so that a holder is known from the first moment.
      name: `${pid}-${started}-${randomBytes(6).toString('hex')}`,
      isAbandoned,
      wait: () => sleep(100 + Math.random() * 200),
    },
    work,
  );
}

/** Marks in another format are of another version; they do not count. */
function isAbandoned(mark: string): boolean {
  const [, pid, started] = /^(\d+)-(\d+)-[0-9a-f]+$/.exec(mark) ?? [];
  return pid === undefined || started === undefined || !isAlive({ pid: Number(pid), started });
}
