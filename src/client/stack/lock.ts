/** One command at a time changes a stack; a killed holder does not keep the lock. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLockFolder } from '../../storage/lock-folder.js';
import { isAlive, thisProcess } from './processes.js';

export function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const { pid, started } = thisProcess();
  return withLockFolder(
    folder,
    {
      // The name says who it is, so that there is no moment at which a holder is unknown.
      mark: `${pid}-${started}-${randomBytes(6).toString('hex')}`,
      isAbandoned,
      wait: () => sleep(100 + Math.random() * 200),
    },
    work,
  );
}

/** What is no mark of ours was left by another version, whose holders sign in another way: it holds nobody up. */
function isAbandoned(mark: string): boolean {
  const [, pid, started] = /^(\d+)-(\d+)-[0-9a-f]+$/.exec(mark) ?? [];
  return pid === undefined || started === undefined || !isAlive({ pid: Number(pid), started });
}
