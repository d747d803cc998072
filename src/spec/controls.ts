/** Names and shapes of the queries and updates of a running `gistPipeline`. */
import { z } from 'zod';
import type { Stage } from './pipeline.js';
import type { CheckpointRef, CurvePoint } from './results.js';

export const PIPELINE_WORKFLOW = 'gistPipeline';
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

export type RunState = 'running' | 'pausing' | 'paused' | 'done' | 'failed';

/** Result of the `progress` query. */
export interface RunProgress {
  runId: string;
  name: string;
  state: RunState;
  stages: Record<Stage, 'left-out' | 'waiting' | 'running' | 'done' | 'reused'>;
  /** Completed units of work in the running stage. */
  done: number;
  total: number;
  unit: string;
  train: null | {
    /**
     * Id of the child workflow that trains; live numbers are in its pending activity's heartbeat.
     */
    workflowId: string;
    kimg: number;
    targetKimg: number;
    lastCheckpoint: CheckpointRef | null;
    curve: CurvePoint[];
  };
}

/** Live numbers of a training, in the heartbeat of its activity; under 2 KB. */
export interface TrainHeartbeat {
  kimg: number;
  step: number;
  imagesPerSecond: number;
  checkpoint: CheckpointRef | null;
}
