/** Names and shapes of the queries and updates of a running `gistPipeline`. */
import { z } from 'zod';
import type { CauseClass } from '../core/failure-policy.js';
import type { Stage } from './pipeline.js';
import type { CheckpointRef, CurvePoint, MetricGap } from './results.js';

export const PIPELINE_WORKFLOW = 'gistPipeline';
/** Key of a run's memo: true for one that `gist retry` has started. */
export const CONTINUES_MEMO = 'continues';
export const PROGRESS_QUERY = 'progress';
const CONTROL_UPDATES = ['pause', 'resume', 'stopTraining', 'extendTraining'] as const;
export type ControlUpdate = (typeof CONTROL_UPDATES)[number];

export const extendTrainingSchema = z.strictObject({
  kimg: z
    .number()
    .positive()
    .max(1e6)
    .describe('New total length of the training in kimg; must exceed the current length.'),
});
export type ExtendTrainingInput = z.output<typeof extendTrainingSchema>;

/** Result of a control update. A repeated update changes nothing and reports that. */
export interface ControlReply {
  changed: boolean;
  message: string;
}

/** `needs-attention`: parked until its user resumes it. */
export type RunState = 'running' | 'pausing' | 'paused' | 'needs-attention' | 'done';

/** Why a run is parked. */
export interface Attention {
  stage: Stage | null;
  /** Name of the error, such as `CheckpointLostError`. */
  type: string;
  /** What is wrong, where and how to fix it. */
  message: string;
  /** Consecutive attempts without progress. */
  attempts: number;
  /** Milliseconds since 1970. */
  sinceMs: number;
}

/** What an attempt of a training started from. */
export interface Resumption {
  /** null: from scratch. */
  from: CheckpointRef | null;
  /** Newer checkpoints that were skipped, and why; other warnings of the start. */
  warnings: string[];
}

/** Result of the `progress` query. */
export interface RunProgress {
  runId: string;
  name: string;
  state: RunState;
  stages: Record<Stage, 'skipped' | 'waiting' | 'running' | 'done' | 'reused'>;
  /** Completed units of work in the running stage. */
  done: number;
  total: number;
  unit: string;
  /** null unless the state is `needs-attention`. */
  attention: Attention | null;
  train: null | {
    /**
     * Id of the child workflow that trains; live numbers are in its pending activity's heartbeat.
     */
    workflowId: string;
    kimg: number;
    targetKimg: number;
    lastCheckpoint: CheckpointRef | null;
    curve: CurvePoint[];
    gaps: MetricGap[];
    /** How the newest finished attempt had started; of the running one, see its heartbeat. */
    resumption: Resumption | null;
  };
}

/** First detail of every failure of an activity. */
export interface ActivityFailureDetails {
  what: string;
  where?: string;
  hint?: string;
  causeClass: CauseClass;
  /** What the workflow does; `retry` failures never reach it, except after a cancellation. */
  outcome: 'retry' | 'fail' | 'park';
  attempts: number;
}

/** Part of every heartbeat: how long an activity has been without progress. */
export interface AttemptCount {
  /** Number of the attempt that sent it, from 1: numbers of an earlier attempt are not live. */
  attempt: number;
  /** Consecutive attempts without progress, this one included; outages do not count. */
  fruitlessAttempts: number;
  /** Last progress, or the start of the first attempt; milliseconds since 1970. */
  progressMs: number;
  /** When it was sent. */
  atMs: number;
}

/** Operation of a training whose newest state neither the store nor its disk takes. */
export const WAITING_FOR_ROOM = 'waiting for the store, or for space on this disk';

/** Live numbers of a training, in the heartbeat of its activity; under 2 KB. */
export interface TrainHeartbeat extends AttemptCount {
  kimg: number;
  step: number;
  /** 0 before the first step of an attempt, and when no step has ended for long. */
  imagesPerSecond: number;
  /** What the trainer does: loading, compiling, training ...; null before it says so. */
  operation: string | null;
  /** Where checkpoints are that the store does not take; null: it takes them. */
  storage: string | null;
  checkpoint: CheckpointRef | null;
  /** null before the attempt has read its checkpoints. */
  resumption: Resumption | null;
  /** Of all attempts. A step above it is progress. */
  highestStep: number;
}
