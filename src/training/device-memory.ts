/** Memory of the card that a training uses. */
import { queryCards } from '../core/nvidia-smi.js';

export interface DeviceMemory {
  freeBytes: number;
  totalBytes: number;
}

/**
 * Of the first visible card; null without one, and where the driver does not say.
 *
 * @param command the driver's program
 */
export function deviceMemory(command?: string): DeviceMemory | null {
  const card = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',')[0] ?? '0';
  const [values = []] = queryCards(['memory.free', 'memory.total'], { card, ...(command && { command }) });
  const [free, total] = values.map((mebibytes) => Number(mebibytes) * 2 ** 20);
  return free && total ? { freeBytes: free, totalBytes: total } : null;
}
