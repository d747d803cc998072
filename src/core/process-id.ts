/** Processes identified by pid and start time, so that a reused pid is never mistaken for ours. */
import { readFileSync } from 'node:fs';

export interface ProcessId {
  pid: number;
  /** In the kernel's ticks; empty where the kernel does not tell. */
  started: string;
}

/** The process that a line of `/proc/PID/stat` describes; undefined for no process or a zombie. */
export function parseStat(stat: string): ProcessId | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, started] = [fields[0], Number(fields[17]), fields[19]];
  // The first thread of a killed process may have ended while others still hold files and ports.
  if (started === undefined || (state === 'Z' && threads <= 1)) return undefined;
  return { pid: Number.parseInt(stat, 10), started };
}

/** Start time of a process; undefined for no process or a zombie. */
export function startTime(pid: number): string | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.started;
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
