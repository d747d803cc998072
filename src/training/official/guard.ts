/**
 * A process that runs a command, and ends it and its children once the process that started the
 * guard has ended.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ignoreStopSignals } from '../../core/process-start.js';

/** A shell's exit code for a command that cannot be run. */
const NOT_RUN = 127;

const [command = '', ...args] = process.argv.slice(2);

// The group is this process's own: its leader was started detached. A signal to it reaches every
// process that has not left it.
ignoreStopSignals();
process.stdin.on('end', endAll).on('error', endAll).resume();

// The supervisor ends the command, whatever a job or a terminal sends to all of its processes.
// PyTorch ends its ranks by SIGTERM when one fails: ignoring it would hang the others.
const UNTIL_ENDED = 'trap "" INT USR1; exec "$@"';
const child = spawn('/bin/sh', ['-c', UNTIL_ENDED, 'sh', command, ...args], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
child.once('error', () => process.exit(NOT_RUN));
child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));

/** Standard input ends when the process at its other end does, for any reason. */
function endAll(): void {
  process.kill(-process.pid, 'SIGKILL');
}
