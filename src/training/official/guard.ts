/** A process that runs a command, and ends it and all that it has started once whoever asked for it is gone. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** What a shell says of a command that cannot be run. */
const NOT_RUN = 127;

const [command = '', ...args] = process.argv.slice(2);

// The group is this process's own: its leader was started detached. A signal to it reaches everything but those who left it.
process.on('SIGTERM', () => undefined);
process.stdin.on('end', endAll).on('error', endAll).resume();

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', () => process.exit(NOT_RUN));
child.once('exit', (code, signal) => {
  // Helpers of the command that are still there hold the device.
  process.kill(-process.pid, 'SIGTERM');
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});

/** Standard input ends with the process that holds its other end, however that dies. */
function endAll(): void {
  process.kill(-process.pid, 'SIGKILL');
}
