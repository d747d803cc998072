/** Messages to and from the trainer process, as JSON lines. */
import { z } from 'zod';
import { refSchema } from '../../checkpoints/list.js';
import { reviveError, type WireError } from '../../core/errors.js';
import type { CheckpointRef } from '../../spec/results.js';
import type { TrainSpec } from '../../spec/train.js';

/** One attempt at a training. */
export interface TrainerJob {
  /** Store of the run and its data set. */
  storeUri: string;
  runId: string;
  /** The data set: its key prefix and the digest that a checkpoint must have been trained on. */
  dataset: { prefix: string; digest: string };
  train: TrainSpec;
  /** The training ends at the first step with this many kimg shown. */
  targetKimg: number;
  /**
   * Must increase over all attempts of a run, those of earlier activities included, as the time
   * does at which an attempt was scheduled, in milliseconds since 1970. An attempt with a lower
   * number than the owner's is refused.
   */
  attempt: number;
  /**
   * The newest checkpoint that the run knows of; null: none. Where the store has none to resume
   * from, a training that had one does not start from scratch.
   */
  expected: CheckpointRef | null;
}

const trainerEventSchema = z.discriminatedUnion('type', [
  /**
   * The trainer works on an operation that takes long (compiling, the first step, a large step).
   */
  z.object({ type: z.literal('alive'), operation: z.string() }),
  /** Sent before the first large allocation: the estimate explains an end by SIGKILL. */
  z.object({
    type: z.literal('memory'),
    batch: z.int(),
    batchGpu: z.int(),
    /** Whether this attempt resumes from a checkpoint. */
    resumes: z.boolean(),
    neededBytes: z.number(),
    availableBytes: z.number().nullable(),
    fits: z.int(),
  }),
  z.object({
    type: z.literal('started'),
    resumedFrom: refSchema.nullable(),
    warnings: z.array(z.string()),
    /** What was copied from another training, in one sentence. */
    transfer: z.string().optional(),
  }),
  z.object({
    type: z.literal('progress'),
    kimg: z.number(),
    step: z.int(),
    imagesPerSecond: z.number(),
    losses: z.record(z.string(), z.number()),
  }),
  z.object({ type: z.literal('checkpoint'), checkpoint: refSchema, snapshot: z.boolean() }),
  z.object({ type: z.literal('warning'), message: z.string() }),
  /** Where checkpoints are that the store does not take; null: it takes them again. */
  z.object({ type: z.literal('storage'), message: z.string().nullable() }),
  /** The target is reached. */
  z.object({ type: z.literal('done'), checkpoint: refSchema }),
  /** Stopped on request; null when there is no checkpoint yet. */
  z.object({ type: z.literal('stopped'), checkpoint: refSchema.nullable() }),
  z.object({
    type: z.literal('error'),
    name: z.string(),
    what: z.string(),
    where: z.string().optional(),
    hint: z.string().optional(),
  }),
]);
export type TrainerEvent = z.output<typeof trainerEventSchema>;
/** How a training ended that reached its target or was asked to stop. */
export type TrainingOutcome = Extract<TrainerEvent, { type: 'done' | 'stopped' }>;

/** Whether it shows that this or an earlier attempt has taken steps: memory was enough for them. */
export function showsSteps(event: TrainerEvent): boolean {
  return event.type === 'progress' || (event.type === 'memory' && event.resumes);
}

/** What follows a crash. */
export const RESUME_HINT = 'The next attempt resumes from the newest checkpoint.';

/** The only message to the trainer: write a checkpoint, then end. */
export const STOP_LINE = '{"type":"stop"}\n';

/** Exit codes of the trainer process. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** A checkpoint was written on request: EX_TEMPFAIL, try again later. */
  stopped: 75,
  /** The process that started the trainer has ended. */
  orphaned: 76,
} as const;

/** null for a line that is not an event. */
export function parseEvent(line: string): TrainerEvent | null {
  try {
    const parsed = trainerEventSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The error that the trainer ended with, of its class. */
export function errorOf({ type: _type, ...wire }: Extract<TrainerEvent, { type: 'error' }>): Error {
  return reviveError(wire satisfies WireError);
}
