/** How an error is told: what, where, how to mend it; a stack only for those who debug. */
import { GistError } from '../core/errors.js';

export function exitCodeOf(error: unknown): number {
  return error instanceof GistError ? error.exitCode : 1;
}

export function printError(error: unknown): void {
  const write = (line: string) => process.stderr.write(`${line}\n`);
  if (error instanceof GistError) {
    write(`error: ${error.where ? `${error.where}: ` : ''}${error.what}`);
    if (error.mend) write(`  -> ${error.mend}`);
  } else {
    write(`error: ${error instanceof Error ? error.message : String(error)}`);
    write('  -> This is a defect of GIST. GIST_DEBUG=1 shows where it happened.');
  }
  if (process.env.GIST_DEBUG && error instanceof Error) write(error.stack ?? '');
}
