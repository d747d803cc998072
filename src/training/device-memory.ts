/** Memory of the card that a training uses. */
import { spawnSync } from 'node:child_process';

export interface DeviceMemory {
  freeBytes: number;
  totalBytes: number;
}

/**
 * Of the first visible card; null without one, and where the driver does not say.
 *
 * @param command the driver's program
 */
export function deviceMemory(command = 'nvidia-smi'): DeviceMemory | null {
  const card = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',')[0] ?? '0';
  const args = [`--id=${card}`, '--query-gpu=memory.free,memory.total', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  const [free, total] = (status === 0 ? stdout : '').split(',').map((field) => Number(field) * 2 ** 20);
  return free && total ? { freeBytes: free, totalBytes: total } : null;
}
