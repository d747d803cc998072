/** Notices that the folder of a store is gone, as when its disk or network share is unmounted. */
import { opendir } from 'node:fs/promises';
import { StoreAccessError } from '../core/errors.js';
import { isService } from '../core/process-start.js';
import { errorCode } from './file-errors.js';

/** Folders that have held objects while this process runs. */
const served = new Set<string>();

export function noteServed(root: string): void {
  served.add(root);
}

/** Its last object may have been deleted. */
export function forgetServed(root: string): void {
  served.delete(root);
}

/**
 * A folder that has held objects must not be created again, or taken for a store without objects.
 * Processes in the background notice it; a command may well be what removed the store.
 *
 * @throws StoreAccessError when such a folder is absent or empty now
 */
export async function checkServed(root: string): Promise<void> {
  if (!isService() || !served.has(root) || !(await isAbsentOrEmpty(root))) return;
  throw new StoreAccessError({
    what: 'the folder of the store was there, and is absent or empty now',
    where: root,
    hint: 'Mount its disk or network share again; work goes on by itself. If you removed the store deliberately, start the workers again.',
  });
}

async function isAbsentOrEmpty(folder: string): Promise<boolean> {
  try {
    const entries = await opendir(folder);
    const first = await entries.read();
    await entries.close();
    return first === null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
}
