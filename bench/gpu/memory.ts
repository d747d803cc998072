/** Peak memory of a process: on its card, or resident. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Bytes that a process has reserved. TensorFlow keeps what it has allocated on a card, so the
 * present value is the peak.
 */
export function peakMemory(pid: number, onCard: boolean): number {
  return onCard ? cardMemory(pid) : residentPeak(pid);
}

/** 0 when the driver does not list the process, as inside some containers. */
function cardMemory(pid: number): number {
  const list = execFileSync('nvidia-smi', [
    '--query-compute-apps=pid,used_memory',
    '--format=csv,noheader,nounits',
  ]);
  const lines = list
    .toString()
    .split('\n')
    .map((line) => line.split(',').map(Number));
  const own = lines.find(([listed]) => listed === pid) ?? (lines.length === 2 ? lines[0] : undefined);
  return (own?.[1] ?? 0) * 2 ** 20;
}

function residentPeak(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
