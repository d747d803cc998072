/** Signals, queries and updates of the workflows, defined once for both ends. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  type ControlReply,
  type ExtendTrainingInput,
  PROGRESS_QUERY,
  type RunProgress,
} from '../spec/controls.js';
import type { CheckpointRef, CurvePoint } from '../spec/results.js';

/** Asked of `gistPipeline`: how far the run is. */
export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);

/** Told to `gistPipeline` by its user. */
export const pauseUpdate = defineUpdate<ControlReply>('pause');
export const resumeUpdate = defineUpdate<ControlReply>('resume');
export const stopTrainingUpdate = defineUpdate<ControlReply>('stopTraining');
export const extendTrainingUpdate = defineUpdate<ControlReply, [ExtendTrainingInput]>('extendTraining');

/** What a training is told to do; the whole wish each time, so that a repeated signal changes nothing. */
export interface TrainDirective {
  paused: boolean;
  stop: boolean;
  targetKimg: number;
}

/** Told to `trainUntilConverged` by the pipeline. */
export const directiveSignal = defineSignal<[TrainDirective]>('directive');
/** Told to `trainUntilConverged` by its training activity: snapshots that are in the store. */
export const snapshotsSignal = defineSignal<[CheckpointRef[]]>('snapshots');

/** What a training reports to the pipeline whenever it changes. */
export interface TrainReport {
  /** Rises with every report: signals may arrive in another order than they were sent. */
  serial: number;
  state: 'running' | 'paused';
  targetKimg: number;
  lastCheckpoint: CheckpointRef | null;
  /** Of one snapshot, which has just been judged. */
  points?: CurvePoint[];
}

/** Told to `gistPipeline` by its training. */
export const trainReportSignal = defineSignal<[TrainReport]>('trainReport');
