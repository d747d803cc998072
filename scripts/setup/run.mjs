/**
 * Runs programs as steps of set-up. They are killed with set-up, or keep its lock until they end.
 */
import { spawn } from 'node:child_process';
import { lockKeeper } from './lock.mjs';

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

/** Runs a program and forwards its output to standard error. @returns its exit status */
export async function run(command, args, { cwd } = {}) {
  return (await start(command, args, 2, cwd)).status;
}

/** Like {@link run}, but returns the output. */
export function capture(command, args, { cwd } = {}) {
  return start(command, args, 'pipe', cwd);
}

function start(command, args, output, cwd) {
  // The fourth stream is never written to: it keeps the lock if set-up is killed before the program
  // ends.
  const child = spawn(command, args, { cwd, stdio: ['ignore', output, output, lockKeeper() ?? 'ignore'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const stops = Object.entries(SIGNALS).map(([signal, number]) => {
    const stop = () => {
      child.kill('SIGKILL');
      process.exit(128 + number);
    };
    process.once(signal, stop);
    return () => process.off(signal, stop);
  });
  return new Promise((resolve) => {
    const end = (status) => {
      for (const undo of stops) undo();
      resolve({ status, text });
    };
    child.once('error', (error) => {
      text += error.message;
      end(127);
    });
    child.once('close', (code) => end(code ?? 1));
  });
}
