/** Memory that ran out: how to tell, how much there was, and the error that says what to do. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { TrainerCrashError, TrainingError } from '../core/errors.js';
import { groupSize, roundSizes } from '../spec/micro-batches.js';
import { RESUMES } from './process/messages.js';

/** What one training needs of a machine's memory, as estimated beforehand. */
export interface MemoryPlan {
  /** Images a step, and images a round: the ones that are in memory at once. */
  batch: number;
  batchGpu: number;
  neededBytes: number;
  availableBytes: number;
  /** The largest even batch that the estimate allows; 0 when none does. */
  fits: number;
}

/**
 * The error of a training that got no more memory.
 *
 * @param hasTakenSteps there had been enough for whole steps: whatever else took it may be gone when it is tried again
 */
export function outOfMemory(plan: MemoryPlan, hasTakenSteps: boolean): TrainingError | TrainerCrashError {
  const { batchGpu, neededBytes, availableBytes } = plan;
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const what = `memory ran out: ${batchGpu} images at once take about ${gib(neededBytes)}, and this machine has ${gib(availableBytes)} for them`;
  if (!hasTakenSteps) return new TrainingError({ what, where: 'train', hint: memoryAdvice(plan) });
  return new TrainerCrashError({
    what: `${what}; it had been enough for the steps before`,
    hint: `${RESUMES} ${adviceForNewRun(plan)}`,
  });
}

/** A training goes on with the settings that it was begun with; others are of another training. */
export function adviceForNewRun(plan: MemoryPlan): string {
  return `Should memory stay short, begin a new run whose train.resume names this one. ${memoryAdvice(plan)}`;
}

/** What would take less memory: rounds of fewer images if the batch can be shared out, a smaller batch, or else smaller networks. */
export function memoryAdvice({ batch, batchGpu, fits }: MemoryPlan): string {
  const most = Math.min(fits, batchGpu / 2);
  const round = largestMicroBatch(batch, most);
  const smaller = most - (most % 2);
  if (round) {
    const inRounds = `Set train.batchGpu to ${round}: the batch can stay and is worked off in rounds.`;
    return smaller > round && batchGpu === batch ? `${inRounds} Or set train.batch to ${smaller}.` : inRounds;
  }
  if (smaller >= 2)
    return `Set train.batch to ${smaller}${batchGpu < batch ? ' and train.batchGpu to auto' : ''}.`;
  return 'Lower cbase and cmax, or use a machine with more memory.';
}

/** Rounds whose groups of the minibatch deviation are as large as the batch's change nothing else: they are chosen first. */
function largestMicroBatch(batch: number, most: number): number | undefined {
  const sizes = roundSizes(batch).filter((size) => size <= most);
  return sizes.findLast((size) => groupSize(size) === groupSize(batch)) ?? sizes.at(-1);
}

/** Whether an error, or what a process last said, speaks of an allocation that failed. */
export function reportsOutOfMemory(text: string): boolean {
  return /OOM when allocating|RESOURCE_EXHAUSTED|bad_alloc|heap out of memory|allocation failed|ENOMEM/i.test(
    text,
  );
}

/** Bytes that this process may use: of the machine, its container, or its own limit, whichever is least. */
export function availableMemory(): number {
  const constrained = process.constrainedMemory();
  const limits = [totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY, addressSpaceLimit()];
  return Math.min(...limits);
}

/** How many processes the kernel has killed for memory so far, on this machine and in this container; 0 where it does not say. */
export function memoryKills(): number {
  return ['/proc/vmstat', '/sys/fs/cgroup/memory.events']
    .map((file) => Number(/^oom_kill (\d+)$/m.exec(contentOf(file))?.[1] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

function addressSpaceLimit(): number {
  const limit = /^Max address space\s+(\d+)/m.exec(contentOf('/proc/self/limits'))?.[1];
  return limit ? Number(limit) : Number.POSITIVE_INFINITY;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
