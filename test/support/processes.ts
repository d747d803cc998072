/** Finding the processes that a test's own processes have started (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Pids of the children, and theirs, of a process whose command line contains `text`. */
export function descendants(pid: number, text: string): number[] {
  const children = new Map<number, number[]>();
  const commands = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
      commands.set(Number(entry), readFileSync(`/proc/${entry}/cmdline`, 'utf8'));
    } catch {
      // The process ended while we looked.
    }
  }
  const walk = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...walk(child)]);
  return walk(pid).filter((child) => commands.get(child)?.includes(text));
}
