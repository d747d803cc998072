/**
 * The slot of a device: one training at a time, from whichever of its task queues has one. A poll
 * cannot be recalled, so the queues are polled one after another, each a moment before the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type {
  ActivityInboundCallsInterceptor,
  ActivitySlotInfo,
  CustomSlotSupplier,
} from '@temporalio/worker';
import { rejectedBy } from '../core/abort.js';

/**
 * A queue that has a task gives it out, and the SDK says that it is taken, within this time after
 * it has been asked.
 */
const HEAD_START_MS = 250;
/** A task that came while another one began goes back to its queue for this long. */
const GIVEN_BACK = '1 second';

export class DeviceSlot {
  private taken = 0;
  private isHeld = false;
  private turns: Promise<unknown> = Promise.resolve();
  private readonly waiting: (() => void)[] = [];

  get isTaken(): boolean {
    return this.taken > 0 || this.isHeld;
  }

  /** For the worker of each queue. */
  supplier(): CustomSlotSupplier<ActivitySlotInfo> {
    return {
      type: 'custom',
      reserveSlot: (_context, signal) => this.turn(signal),
      tryReserveSlot: () => null,
      markSlotUsed: () => {
        this.taken++;
      },
      releaseSlot: ({ slotInfo }) => {
        if (slotInfo) this.taken--;
        this.wake();
      },
    };
  }

  /** For {@link WorkerOptions.interceptors} of these workers. */
  readonly interceptor = (): { inbound: ActivityInboundCallsInterceptor } => ({
    inbound: {
      execute: (input, next) => this.hold(() => next(input)),
    },
  });

  /** Does the work on the device. @throws ApplicationFailure when it is held */
  async hold<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isHeld) throw deviceTaken();
    this.isHeld = true;
    try {
      return await work();
    } finally {
      this.isHeld = false;
      this.wake();
    }
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }

  /**
   * Queues take turns in the order in which they ask. A queue asks again as soon as its task has
   * come, a moment before that task is known here.
   */
  private turn(signal: AbortSignal): Promise<object> {
    const before = Promise.all([this.turns, sleep(HEAD_START_MS)]);
    const turn = this.afterTurns(before, signal);
    this.turns = Promise.allSettled([before, turn.then(() => sleep(HEAD_START_MS))]);
    return turn;
  }

  private async afterTurns(before: Promise<unknown>, signal: AbortSignal): Promise<object> {
    await Promise.race([before, rejectedBy(signal)]);
    while (this.isTaken) {
      const change = new Promise<void>((resolve) => this.waiting.push(resolve));
      await Promise.race([change, rejectedBy(signal)]);
    }
    return {};
  }
}

function deviceTaken(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'DeviceTaken',
    message: 'Another training of this worker began at the same moment.',
    nonRetryable: false,
    nextRetryDelay: GIVEN_BACK,
  });
}
