/** Says whether a worker polls, and if not, why: in its log and in files for probes. */
import { rmSync, writeFileSync } from 'node:fs';
import { environment } from '../core/environment.js';
import type { WireError } from '../core/errors.js';
import { log } from '../core/log.js';

/** The file beside the ready file that holds what keeps a worker from polling. */
function problemFile(readyFile: string): string {
  return `${readyFile}.problem`;
}

/** A line on standard output and, where `GIST_READY_FILE` names one, a file. */
export function announceReady(queue: string): void {
  replaceFiles((file) => {
    rmSync(problemFile(file), { force: true });
    writeFileSync(file, `${process.pid}\n`);
  });
  process.stdout.write(`${JSON.stringify({ ready: true, queue })}\n`);
}

export function announceProblems(problems: readonly WireError[], retryMs: number): void {
  for (const { what, where, hint } of problems)
    log.error(`this worker does not poll: ${where ? `${where}: ` : ''}${what}. ${hint ?? ''}`.trimEnd(), {
      nextTry: `${Math.round(retryMs / 1000)} s`,
    });
  replaceFiles((file) => {
    rmSync(file, { force: true });
    writeFileSync(problemFile(file), JSON.stringify(problems));
  });
}

export function announceEnd(): void {
  replaceFiles((file) => rmSync(file, { force: true }));
}

function replaceFiles(replace: (readyFile: string) => void): void {
  const file = environment.readyFile();
  if (!file) return;
  try {
    replace(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    log.warn('the ready file cannot be written', { code });
  }
}
