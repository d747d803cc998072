/** Signals, queries and updates of the workflows, shared by sender and receiver. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  type ControlReply,
  type ExtendTrainingInput,
  PROGRESS_QUERY,
  type RunProgress,
} from '../spec/controls.js';
import type { CheckpointRef, CurvePoint } from '../spec/results.js';

/** Query of `gistPipeline`: the progress of the run. */
export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);

/** Updates of `gistPipeline` by its user. */
export const pauseUpdate = defineUpdate<ControlReply>('pause');
export const resumeUpdate = defineUpdate<ControlReply>('resume');
export const stopTrainingUpdate = defineUpdate<ControlReply>('stopTraining');
export const extendTrainingUpdate = defineUpdate<ControlReply, [ExtendTrainingInput]>('extendTraining');

/** What a training is to do; always complete, so that a repeated signal changes nothing. */
export interface TrainDirective {
  paused: boolean;
  stop: boolean;
  targetKimg: number;
}

/** Signal to `trainUntilConverged` by the pipeline. */
export const directiveSignal = defineSignal<[TrainDirective]>('directive');
/** Signal to `trainUntilConverged` by its train activity: snapshots that are in the store. */
export const snapshotsSignal = defineSignal<[CheckpointRef[]]>('snapshots');

/** The state that a training reports to the pipeline after each change. */
export interface TrainReport {
  /** Increases with every report: signals may arrive in another order than they were sent. */
  serial: number;
  state: 'running' | 'paused';
  targetKimg: number;
  lastCheckpoint: CheckpointRef | null;
  /** Of one snapshot that has just been evaluated. */
  points?: CurvePoint[];
}

/** Signal to `gistPipeline` by its training. */
export const trainReportSignal = defineSignal<[TrainReport]>('trainReport');
