/** The card that this process computes on, as its driver describes it. */
import { queryCards } from '../core/nvidia-smi.js';
import { usesGpu } from '../nn/tensorflow.js';

/** From this compute capability (Volta, 2017) on, half precision is faster than single. */
const FAST_HALF = 7;

interface Card {
  name: string;
  driver: string;
  capability: number;
}

let known: Card | null | undefined;

/** Null on a CPU, and where the driver does not say. The driver is asked once. */
export function usedCard(): Card | null {
  if (known === undefined) known = usesGpu() ? describedCard() : null;
  return known;
}

function describedCard(): Card | null {
  const card = process.env.CUDA_VISIBLE_DEVICES ?? '0';
  const [values] = queryCards(['name', 'driver_version', 'compute_cap'], { card });
  const [name, driver, capability] = values ?? [];
  return name && driver ? { name, driver, capability: Number(capability) } : null;
}

/** Whether half precision is fast on the device. A card without a description counts as new. */
export function computesHalfFast(): boolean {
  const card = usedCard();
  return usesGpu() && !(card && card.capability < FAST_HALF);
}
