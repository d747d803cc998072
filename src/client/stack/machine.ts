/** The machine that a stack runs on: its processes can be seen and ended only there. */
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { StackError } from '../../core/errors.js';
import type { StackFolder } from './state.js';

const machineSchema = z.object({ host: z.string(), boot: z.string() });
type Machine = z.output<typeof machineSchema>;

/** Another machine, sharing the folder, whose stack this is; null when it is ours or nobody's. */
export function foreignMachine(folder: StackFolder): string | null {
  const machine = recorded(folder);
  if (!machine) return null;
  const own = thisMachine();
  // A machine that started again has ended the processes; one that was renamed has not.
  return machine.host === own.host || machine.boot === own.boot ? null : machine.host;
}

/** @throws StackError when the stack runs on another machine */
export function assertOnThisMachine(folder: StackFolder): void {
  const host = foreignMachine(folder);
  if (host === null) return;
  throw new StackError({
    what: `this stack runs on ${host}`,
    where: folder.folder,
    hint: `Run this there, or set GIST_HOME to a folder of this machine. If ${host} has stopped without \`gist down\`, remove ${fileOf(folder)}.`,
  });
}

export function claimForThisMachine(folder: StackFolder): void {
  const machine = thisMachine();
  if (recorded(folder)?.boot === machine.boot) return;
  writeFileSync(fileOf(folder), `${JSON.stringify(machine)}\n`, { mode: 0o600 });
}

/** For a stack without processes. */
export function releaseMachine(folder: StackFolder): void {
  rmSync(fileOf(folder), { force: true });
}

/** Not in stack.json: what runs is found by its locks when that file is gone. */
function fileOf(folder: StackFolder): string {
  return folder.path('locks', 'machine.json');
}

function recorded(folder: StackFolder): Machine | null {
  try {
    return machineSchema.parse(JSON.parse(readFileSync(fileOf(folder), 'utf8')));
  } catch {
    return null;
  }
}

function thisMachine(): Machine {
  const host = hostname();
  try {
    // Pids of one start of the kernel mean the same only inside one namespace.
    const [boot, pids] = [
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      readlinkSync('/proc/self/ns/pid'),
    ];
    return { host, boot: `${boot} ${pids}` };
  } catch {
    return { host, boot: host };
  }
}
