/** The processes of a stack: started so that they outlive a command, found again, and ended. */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from '../../core/errors.js';
import { isAlive, type ProcessId, startTime } from '../../core/process-id.js';

const LOG_ROTATION_BYTES = 8e6;

/** State of a listening socket in the kernel's tables. */
const LISTENING = '0A';

/** Whether this process itself listens on a TCP port; another server may have taken it. */
export function listensOn(id: ProcessId | undefined, port: number | undefined): boolean {
  if (!isAlive(id) || port === undefined) return false;
  const listening = listeners(port);
  try {
    const folder = `/proc/${id.pid}/fd`;
    return readdirSync(folder).some((fd) => listening.has(linkOf(`${folder}/${fd}`)));
  } catch {
    // A process of another user, or one that is ending: only its existence can be seen.
    return isAlive(id);
  }
}

/** Sockets that listen on a port, named as in a process's folder of open files. */
function listeners(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    existsSync(`/proc/net/${table}`) ? readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1) : [],
  );
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  const ours = sockets.filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === LISTENING);
  return new Set(ours.map((fields) => `socket:[${fields[9]}]`));
}

/** Target of a link; '' when the link has gone. */
function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

/**
 * Becomes the command after writing the lock file: whoever reads it finds the process, however its
 * start ended. A disk without space must not keep it from starting: what keeps a second process
 * from the same data is a lock of the kernel, which needs none. The command inherits it.
 */
const LOCKED = `umask 077
if command -v flock > /dev/null && true 2> /dev/null >> "$0.held"; then
  exec 9>> "$0.held"
  flock -n -E 75 9 2> /dev/null
  if [ $? -eq 75 ]; then
    echo "not started: a process of an earlier start still has the data open; end it first" >&2
    exit 75
  fi
fi
{ cat "/proc/$$/stat" > "$0.new" && mv "$0.new" "$0"; } 2> /dev/null
exec "$@"`;

/**
 * Starts a process that outlives this one; its output goes to a log file, and it holds a lock file
 * as long as it lives.
 */
export function startDetached(
  command: string,
  args: string[],
  options: { env: NodeJS.ProcessEnv; log: string; lock: string },
): ProcessId {
  if (existsSync(options.log) && statSync(options.log).size > LOG_ROTATION_BYTES)
    renameSync(options.log, `${options.log}.1`);
  const log = openSync(options.log, 'a');
  try {
    const child = spawn('/bin/sh', ['-c', LOCKED, options.lock, command, ...args], {
      detached: true,
      stdio: ['ignore', log, log],
      env: options.env,
    });
    child.on('error', () => undefined);
    child.unref();
    const started = child.pid === undefined ? undefined : startTime(child.pid);
    if (child.pid === undefined || started === undefined) {
      throw new StackError({
        what: `${command} could not be started`,
        where: options.log,
        hint: 'Read the log and run `gist doctor`.',
      });
    }
    return { pid: child.pid, started };
  } finally {
    closeSync(log);
  }
}

/** Sends SIGTERM, and SIGKILL after the grace time; returns when the process has ended. */
export async function end(id: ProcessId, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  signal(id, 'SIGTERM');
  while (isAlive(id) && Date.now() < deadline) await sleep(100);
  signal(id, 'SIGKILL');
  while (isAlive(id)) await sleep(50);
}

/** Sends a signal; does nothing if the process has ended. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch {
    // It ended between the check and the signal.
  }
}

/** The last lines of a log, for an error message. */
export function tail(log: string, lines = 8): string {
  if (!existsSync(log)) return '';
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
