/** What the trainer process is told and what it says: JSON lines. */
import { z } from 'zod';
import { reviveError, type WireError } from '../../core/errors.js';
import type { TrainSpec } from '../../spec/train.js';

/** One attempt at a training. */
export interface TrainerJob {
  /** Store that the run and its data set live in. */
  storeUri: string;
  runId: string;
  /** The data set: its key prefix and the digest that a checkpoint must have been trained on. */
  dataset: { prefix: string; digest: string };
  train: TrainSpec;
  /** The training ends at the first step with this many kimg shown. */
  targetKimg: number;
  /**
   * Must rise over all attempts of a run, those of earlier activities included: the time at which the attempt was
   * scheduled, in milliseconds since 1970, does. An attempt with a lower number than the owner's is refused.
   */
  attempt: number;
}

const checkpointRef = z.object({ prefix: z.string(), kimg: z.number(), step: z.int() });

const trainerEventSchema = z.discriminatedUnion('type', [
  /** Still at work on something that takes long (compiling, the first step, a large step). */
  z.object({ type: z.literal('alive'), operation: z.string() }),
  /** Before anything large is made: what it is estimated to take, for whoever finds this process killed. */
  z.object({
    type: z.literal('memory'),
    batch: z.int(),
    batchGpu: z.int(),
    /** Whether earlier attempts have taken steps, that this one goes on from. */
    resumes: z.boolean(),
    neededBytes: z.number(),
    availableBytes: z.number(),
    fits: z.int(),
  }),
  z.object({
    type: z.literal('started'),
    resumedFrom: checkpointRef.nullable(),
    warnings: z.array(z.string()),
    /** What was taken over from another training, in one sentence. */
    transfer: z.string().optional(),
  }),
  z.object({
    type: z.literal('progress'),
    kimg: z.number(),
    step: z.int(),
    imagesPerSecond: z.number(),
    losses: z.record(z.string(), z.number()),
  }),
  z.object({ type: z.literal('checkpoint'), checkpoint: checkpointRef, snapshot: z.boolean() }),
  z.object({ type: z.literal('warning'), message: z.string() }),
  /** The target is reached. */
  z.object({ type: z.literal('done'), checkpoint: checkpointRef }),
  /** Told to stop; null when nothing had been done yet that an earlier checkpoint does not hold. */
  z.object({ type: z.literal('stopped'), checkpoint: checkpointRef.nullable() }),
  z.object({
    type: z.literal('error'),
    name: z.string(),
    what: z.string(),
    where: z.string().optional(),
    hint: z.string().optional(),
    retryable: z.boolean(),
  }),
]);
export type TrainerEvent = z.output<typeof trainerEventSchema>;
/** How a training ended that reached its target or was asked to stop. */
export type TrainingOutcome = Extract<TrainerEvent, { type: 'done' | 'stopped' }>;

/** Whether it tells that steps have been taken, by this attempt or by an earlier one: memory was enough for them. */
export function showsSteps(event: TrainerEvent): boolean {
  return event.type === 'progress' || (event.type === 'memory' && event.resumes);
}

/** What follows a crash. */
export const RESUMES = 'Training goes on from the newest checkpoint when it is tried again.';

/** The only thing that the trainer is told: leave a checkpoint, then go. */
export const STOP_LINE = '{"type":"stop"}\n';

/** Exit codes of the trainer process. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** A checkpoint was left as asked: EX_TEMPFAIL, try again later. */
  stopped: 75,
  /** Whoever started the trainer is gone. */
  orphaned: 76,
} as const;

/** null for a line that is no event. */
export function parseEvent(line: string): TrainerEvent | null {
  try {
    const parsed = trainerEventSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The typed error that the trainer ended with. */
export function errorOf({
  type: _type,
  retryable: _retryable,
  ...wire
}: Extract<TrainerEvent, { type: 'error' }>): Error {
  return reviveError(wire satisfies WireError);
}
