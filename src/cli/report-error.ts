/** Prints an error: what, where and how to fix it; its stack only with GIST_DEBUG. */
import { GistError, wireError } from '../core/errors.js';

export function exitCodeOf(error: unknown): number {
  return error instanceof GistError ? error.exitCode : 1;
}

/** Writes to standard error: text for people, or one JSON line for machines. */
export function printError(error: unknown, json = false): void {
  const write = (line: string) => process.stderr.write(`${line}\n`);
  if (json) write(JSON.stringify({ error: wireError(error) }));
  else if (error instanceof GistError) {
    write(`error: ${error.where ? `${error.where}: ` : ''}${error.what}`);
    if (error.hint) write(`  -> ${error.hint}`);
  } else {
    write(`error: ${error instanceof Error ? error.message : String(error)}`);
    write('  -> GIST did not expect this error. GIST_DEBUG=1 prints where it happened.');
  }
  if (process.env.GIST_DEBUG && error instanceof Error) write(error.stack ?? '');
}
