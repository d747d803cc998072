/**
 * A process that runs a command, and ends it and its children once the process that started the
 * guard has ended.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** A shell's exit code for a command that cannot be run. */
const NOT_RUN = 127;

const [command = '', ...args] = process.argv.slice(2);

// The group is this process's own: its leader was started detached. A signal to it reaches every
// process that has not left it.
process.on('SIGTERM', () => undefined);
process.stdin.on('end', endAll).on('error', endAll).resume();

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', () => process.exit(NOT_RUN));
child.once('exit', (code, signal) => {
  // Remaining children of the command would hold the device.
  process.kill(-process.pid, 'SIGTERM');
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});

/** Standard input ends when the process at its other end does, for any reason. */
function endAll(): void {
  process.kill(-process.pid, 'SIGKILL');
}
