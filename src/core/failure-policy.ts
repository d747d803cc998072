/** What a run does about a failure: one rule for each class of causes. */

/**
 * What can end a failure: `input`, another spec or other data; `lost`, putting back what GIST had
 * stored; `worker`, another or a repaired machine; `world`, time.
 */
export type CauseClass = 'input' | 'lost' | 'worker' | 'world';

/** What follows a failure. A parked run waits for its user, with everything kept. */
export interface FailurePolicy {
  /** Consecutive attempts without progress before `outcome`; the first one included. */
  attempts: number;
  /** Milliseconds without progress before `outcome`. */
  milliseconds: number;
  outcome: 'fail' | 'park';
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** docs/failures.md shows this table; a test compares the two. */
export const FAILURE_POLICIES: Record<CauseClass, FailurePolicy> = {
  input: { attempts: 1, milliseconds: 0, outcome: 'fail' },
  lost: { attempts: 1, milliseconds: 0, outcome: 'park' },
  worker: { attempts: 8, milliseconds: DAY_MS, outcome: 'park' },
  world: { attempts: Number.POSITIVE_INFINITY, milliseconds: DAY_MS, outcome: 'park' },
};

/** An error that GIST did not raise is most often one of the machine or of the program. */
export const UNEXPECTED: CauseClass = 'worker';

/**
 * What follows a failure of an attempt.
 *
 * @param attempt consecutive attempts without progress, this one included, from 1
 * @param elapsedMs time since the last progress
 */
export function afterFailure(
  causeClass: CauseClass,
  { attempt, elapsedMs }: { attempt: number; elapsedMs: number },
): 'retry' | 'fail' | 'park' {
  const { attempts, milliseconds, outcome } = FAILURE_POLICIES[causeClass];
  return attempt >= attempts || elapsedMs >= milliseconds ? outcome : 'retry';
}
