/** Files that may name patients: written on this machine, for their owner alone. */
import { constants } from 'node:fs';
import { access, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../../core/errors.js';

/**
 * Before the work of which the file is the result.
 *
 * @param option that names the file, such as `--html`.
 * @throws UsageError when it is not of this machine, or its folder cannot be written to
 */
export async function requirePrivateFile(file: string | undefined, option: string): Promise<void> {
  if (file === undefined) return;
  if (/^s3:/i.test(file))
    throw new UsageError({
      what: `${option} names a file of this machine, given ${file}`,
      hint: 'The file may name patients. Upload it only where nobody else can read it.',
    });
  try {
    await access(path.dirname(path.resolve(file)), constants.W_OK);
  } catch (cause) {
    throw new UsageError({
      what: `${option} ${file} cannot be written`,
      hint: 'Give a file in a folder that exists and is yours.',
      cause,
    });
  }
}

/** The mode is that of a new file only: an old one is removed. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  await rm(file, { force: true });
  await writeFile(file, text, { mode: 0o600 });
}
