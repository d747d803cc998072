/** Out-of-memory: how it is detected, how much memory there was, and the error with its hint. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { TrainerCrashError, TrainingError } from '../core/errors.js';
import { groupSize, microBatchSizes } from '../spec/micro-batches.js';
import { RESUME_HINT } from './process/messages.js';

/** The estimated memory of a training on this machine. */
export interface MemoryPlan {
  /** Images per step, and per micro-batch: those that are in memory at the same time. */
  batch: number;
  batchGpu: number;
  neededBytes: number;
  /** Null where the memory of the device is unknown. */
  availableBytes: number | null;
  /**
   * The largest even batch that the estimate allows; 0 when none does. The whole batch where the
   * memory is unknown.
   */
  fits: number;
}

/**
 * The error of a training that ran out of memory.
 *
 * @param hasTakenSteps memory was enough for whole steps, so another process may have taken it and
 *   a retry may succeed
 */
export function outOfMemory(plan: MemoryPlan, hasTakenSteps: boolean): TrainingError | TrainerCrashError {
  const { batchGpu, neededBytes, availableBytes } = plan;
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const machine = availableBytes === null ? '' : `, and this machine has ${gib(availableBytes)}`;
  const what = `memory ran out: a micro-batch of ${batchGpu} images takes about ${gib(neededBytes)}${machine}`;
  if (!hasTakenSteps) return new TrainingError({ what, where: 'train', hint: memoryAdvice(plan) });
  return new TrainerCrashError({
    what: `${what}; it was enough for the earlier steps`,
    hint: `${RESUME_HINT} ${adviceForNewRun(plan)}`,
  });
}

/** A training resumes with the settings that it started with; other settings need a new run. */
export function adviceForNewRun(plan: MemoryPlan): string {
  return `If memory stays short, start a new run whose train.resume names this one. ${memoryAdvice(plan)}`;
}

/**
 * Settings that need less memory: smaller micro-batches if the batch can be divided, a smaller
 * batch, or else smaller networks.
 */
export function memoryAdvice({ batch, batchGpu, fits }: MemoryPlan): string {
  const most = Math.min(fits, batchGpu / 2);
  const microBatch = largestMicroBatch(batch, most);
  const smaller = most - (most % 2);
  if (microBatch) {
    const accumulated = `Set train.batchGpu to ${microBatch}: the batch stays and is accumulated over micro-batches.`;
    return smaller > microBatch && batchGpu === batch
      ? `${accumulated} Or set train.batch to ${smaller}.`
      : accumulated;
  }
  if (smaller >= 2)
    return `Set train.batch to ${smaller}${batchGpu < batch ? ' and train.batchGpu to auto' : ''}.`;
  return 'Lower cbase and cmax, or use a machine with more memory.';
}

/**
 * Micro-batches with the batch's own groups of the minibatch deviation change nothing else: they
 * are preferred.
 */
export function largestMicroBatch(batch: number, most: number): number | undefined {
  const sizes = microBatchSizes(batch).filter((size) => size <= most);
  return sizes.findLast((size) => groupSize(size) === groupSize(batch)) ?? sizes.at(-1);
}

/** `Status: 1` is oneDNN's `dnnl_out_of_memory`, in the words of TensorFlow's kernels. */
const ON_A_HOST =
  /OOM when allocating|RESOURCE_EXHAUSTED|bad_alloc|ENOMEM|received an exception: ?Status: 1,/i;
/** TensorFlow's binding gives a status as a number: only the rest of the message tells. */
const ON_A_CARD =
  /out of memory|OUT_OF_MEMORY|ALLOC_FAILED|Dst tensor is not initialized|unable to allocate|allocat\w+ (failed|memory)/i;
/** The allocator tries a smaller size after this warning. */
const HARMLESS = /not a failure/;

/** Whether an error message or log line reports a failed allocation. */
export function reportsOutOfMemory(text: string): boolean {
  return (ON_A_HOST.test(text) || ON_A_CARD.test(text)) && !HARMLESS.test(text);
}

/**
 * Bytes that this process may use: the least of the machine's, its container's and its own limit.
 */
export function availableMemory(): number {
  const constrained = process.constrainedMemory();
  const limits = [totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY, addressSpaceLimit()];
  return Math.min(...limits);
}

/** Bytes that no process uses now, of those that this one may use. */
export function freeMemory(): number {
  const free = /^MemAvailable:\s+(\d+) kB$/m.exec(contentOf('/proc/meminfo'))?.[1];
  return Math.min(availableMemory(), free ? Number(free) * 1024 : freemem());
}

/**
 * How many processes the kernel has killed for memory so far, on this machine and in this
 * container; 0 where that is unknown.
 */
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
