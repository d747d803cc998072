/** Whose stack a folder holds: only its user can run it. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { StackError } from '../../core/errors.js';

/** The other user whose stack this is; null when it is ours or nobody's. */
export function foreignOwner(folder: string): string | null {
  const own = process.getuid?.();
  if (own === undefined) return null;
  const record = ownerOf(path.join(folder, 'stack.json'));
  if (record !== undefined) return record === own ? null : userName(record);
  const owner = ownerOf(folder);
  return owner === undefined || owner === own || mayWrite(folder) ? null : userName(owner);
}

/** @throws StackError when the stack is another user's */
export function assertOurs(folder: string): void {
  const owner = foreignOwner(folder);
  if (owner === null) return;
  throw new StackError({
    what: `this stack belongs to ${owner}, who must run this`,
    where: folder,
    hint: 'For a stack of your own, set GIST_HOME to a folder of yours.',
  });
}

function ownerOf(file: string): number | undefined {
  try {
    return statSync(file).uid;
  } catch {
    return undefined;
  }
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function userName(uid: number): string {
  const { stdout } = spawnSync('id', ['-nu', String(uid)], { encoding: 'utf8' });
  return stdout?.trim() || `user ${uid}`;
}
