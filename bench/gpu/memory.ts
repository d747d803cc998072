/** Peak memory of a process: on its card, or resident. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Bytes that a process has reserved. TensorFlow keeps what it has allocated on a card, so the
 * present value is the peak.
 *
 * @returns null when the driver does not say, as inside some containers
 */
export function peakMemory(pid: number, onCard: boolean): number | null {
  return onCard ? cardMemory(pid) : residentPeak(pid);
}

function cardMemory(pid: number): number | null {
  const { status, stdout } = spawnSync('nvidia-smi', [
    '--query-compute-apps=pid,used_memory',
    '--format=csv,noheader,nounits',
  ]);
  if (status !== 0) return null;
  const lines = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number));
  const own = lines.find(([listed]) => listed === pid) ?? (lines.length === 1 ? lines[0] : undefined);
  return own?.[1] ? own[1] * 2 ** 20 : null;
}

function residentPeak(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
