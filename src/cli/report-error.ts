/** How an error is told: what, where, how to fix it; a stack only for those who debug. */
import { GistError, wireError } from '../core/errors.js';

export function exitCodeOf(error: unknown): number {
  return error instanceof GistError ? error.exitCode : 1;
}

/** On standard error: in words, or as one JSON line for machines. */
export function printError(error: unknown, json = false): void {
  const write = (line: string) => process.stderr.write(`${line}\n`);
  if (json) write(JSON.stringify({ error: wireError(error) }));
  else if (error instanceof GistError) {
    write(`error: ${error.where ? `${error.where}: ` : ''}${error.what}`);
    if (error.hint) write(`  -> ${error.hint}`);
  } else {
    write(`error: ${error instanceof Error ? error.message : String(error)}`);
    write('  -> This is a defect of GIST. GIST_DEBUG=1 shows where it happened.');
  }
  if (process.env.GIST_DEBUG && error instanceof Error) write(error.stack ?? '');
}
