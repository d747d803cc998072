/** Who goes first in the queue of trainings; docs/decisions/task-queues.md says why. */
import { ActivityFailure, type Priority, TimeoutFailure } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { PERSON_PRIORITY_KEY, placeHeld } from '../spec/task-queues.js';

/** How long a training of a sweep lets those of people go first. */
const PATIENCE = '1 day';

interface Standing {
  /** Whether it has had a device before: a pause or a new history costs no place. */
  hasBegun: boolean;
  /** Whether it has waited for {@link PATIENCE}: from then on it counts as a person's. */
  isOverdue: boolean;
}

/** Options of the activity that trains. */
export function placeInQueue({ hasBegun, isOverdue }: Standing): {
  priority: Priority;
  scheduleToStartTimeout?: string;
} {
  const given = workflowInfo().priority ?? {};
  const key = given.priorityKey || PERSON_PRIORITY_KEY;
  if (hasBegun) return { priority: { ...given, priorityKey: placeHeld(key) } };
  const isLate = key > PERSON_PRIORITY_KEY;
  if (isLate && !isOverdue) return { priority: given, scheduleToStartTimeout: PATIENCE };
  return { priority: { ...given, priorityKey: Math.min(key, PERSON_PRIORITY_KEY) } };
}

/** Whether a training has waited in the queue for as long as {@link placeInQueue} lets it. */
export function hasWaitedLong(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'SCHEDULE_TO_START'
  );
}
