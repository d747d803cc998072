/** Memory of the card that a training uses. */
import { queryCards } from '../core/nvidia-smi.js';

export interface DeviceMemory {
  freeBytes: number;
  totalBytes: number;
}

/**
 * Of the first visible card; null without one, where the driver does not say, and for a card that
 * is divided (MIG), since the driver gives the memory of all its parts.
 *
 * @param command the driver's program
 */
export function deviceMemory(command?: string): DeviceMemory | null {
  const card = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',')[0] ?? '0';
  const fields = ['memory.free', 'memory.total', 'mig.mode.current'];
  const [[free, total, mig] = []] = queryCards(fields, { card, ...(command && { command }) });
  if (mig === 'Enabled') return null;
  const bytes = (mebibytes = '') => Number(mebibytes) * 2 ** 20;
  const [freeBytes, totalBytes] = [bytes(free), bytes(total)];
  return freeBytes && totalBytes ? { freeBytes, totalBytes } : null;
}
