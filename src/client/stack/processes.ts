/** Processes by pid and start time, so that a recycled pid is never taken for one of ours. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { StackError } from '../../core/errors.js';

export const processIdSchema = z.object({ pid: z.int(), started: z.string() });
export type ProcessId = z.output<typeof processIdSchema>;

const LOG_ROTATION_BYTES = 8e6;

/** When a process started, in the kernel's ticks; undefined when there is no such process, or only its remains. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function isAlive(id: ProcessId | undefined): id is ProcessId {
  return id !== undefined && startTime(id.pid) === id.started;
}

export function thisProcess(): ProcessId {
  return { pid: process.pid, started: startTime(process.pid) ?? '' };
}

/** Starts a process that outlives this one; its output goes to a log file. */
export function startDetached(
  command: string,
  args: string[],
  options: { env: NodeJS.ProcessEnv; log: string; cwd?: string },
): ProcessId {
  if (existsSync(options.log) && statSync(options.log).size > LOG_ROTATION_BYTES)
    renameSync(options.log, `${options.log}.1`);
  const log = openSync(options.log, 'a');
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: options.env,
      cwd: options.cwd,
    });
    child.on('error', () => undefined);
    child.unref();
    const started = child.pid === undefined ? undefined : startTime(child.pid);
    if (child.pid === undefined || started === undefined) {
      throw new StackError({
        what: `${command} could not be started`,
        where: options.log,
        mend: 'Run `gist doctor`.',
      });
    }
    return { pid: child.pid, started };
  } finally {
    closeSync(log);
  }
}

/** SIGTERM, then SIGKILL once the grace time is over; returns when the process is gone. */
export async function end(id: ProcessId, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  signal(id, 'SIGTERM');
  while (isAlive(id) && Date.now() < deadline) await sleep(100);
  signal(id, 'SIGKILL');
  while (isAlive(id)) await sleep(50);
}

function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

/** The last lines of a log, for an error message. */
export function tail(log: string, lines = 8): string {
  if (!existsSync(log)) return '';
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
