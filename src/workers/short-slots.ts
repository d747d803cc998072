/** Slots of work beside trainings: it is taken only while there is memory for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';
import { rejectedBy } from '../core/abort.js';
import { environment } from '../core/environment.js';
import { deviceMemory, freeMemory } from '../training/index.js';

/**
 * Memory that images or features of 256 px take beside a training: on a card with the library's
 * own, on a CPU less.
 */
const NEEDED_BYTES = { cuda: 3 * 2 ** 30, cpu: 2 ** 30 };
const LOOK_AGAIN_MS = 5_000;

/** Whether the memory that a training leaves is enough for other work on its device. */
export function hasRoomBesideTraining(): boolean {
  const card = environment.tensorflow() === 'cuda' ? deviceMemory() : null;
  return card ? card.freeBytes >= NEEDED_BYTES.cuda : freeMemory() >= NEEDED_BYTES.cpu;
}

/** @param hasRoom asked before each poll */
export function shortSlots(
  slots: number,
  hasRoom: () => boolean,
  lookAgainMs = LOOK_AGAIN_MS,
): CustomSlotSupplier<ActivitySlotInfo> {
  let taken = 0;
  const waiting: (() => void)[] = [];
  const released = () => new Promise<void>((resolve) => waiting.push(resolve));
  return {
    type: 'custom',
    async reserveSlot(_context, signal) {
      for (;;) {
        if (taken < slots && hasRoom()) break;
        const change = taken < slots ? sleep(lookAgainMs, undefined, { ref: false }) : released();
        await Promise.race([change, rejectedBy(signal)]);
      }
      taken++;
      return {};
    },
    tryReserveSlot: () => null,
    markSlotUsed: () => undefined,
    releaseSlot() {
      taken--;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}
