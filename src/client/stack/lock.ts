/** Lock of a stack: one command at a time changes it; the lock of a killed holder is broken. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from '../../core/errors.js';
import { isAlive, thisProcess } from '../../core/process-id.js';
import { withLockFolder } from '../../storage/lock-folder.js';

export function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const { pid, started } = thisProcess();
  return withLockFolder(
    folder,
    {
      // The name identifies the holder, so that a holder is known from the first moment.
      name: `${pid}-${started}-${randomBytes(6).toString('hex')}-${hostname()}`,
      isAbandoned,
      wait: () => sleep(100 + Math.random() * 200),
    },
    work,
  );
}

/** Marks in another format are of another version; they do not count. */
function isAbandoned(mark: string, file: string): boolean {
  const [, pid, started, host] = /^(\d+)-(\d+)-[0-9a-f]+-(.+)$/.exec(mark) ?? [];
  if (pid === undefined || started === undefined) return true;
  if (host === hostname()) return !isAlive({ pid: Number(pid), started });
  throw new StackError({
    what: `a command on ${host} is changing this stack`,
    where: file,
    hint: `Wait until it has ended. If ${host} has stopped meanwhile, remove the file.`,
  });
}
