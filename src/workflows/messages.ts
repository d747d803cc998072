/** Signals, queries and updates of the workflows, shared by sender and receiver. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  type Attention,
  type ControlReply,
  type ExtendTrainingInput,
  PROGRESS_QUERY,
  type Resumption,
  type RunProgress,
} from '../spec/controls.js';
import type { AddSizesInput } from '../spec/dataset-size-sweep.js';
import type { CheckpointRef, CurvePoint, MetricGap } from '../spec/results.js';
import type { AddSettingsInput } from '../spec/hyperparameter-sweep.js';
import {
  ADD_SETTINGS_UPDATE,
  ADD_SIZES_UPDATE,
  RETRY_RUNS_UPDATE,
  type SweepProgress,
} from '../spec/sweep.js';

/** Query of `gistPipeline`: the progress of the run. */
export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);

/** Updates of `gistPipeline` by its user. */
export const pauseUpdate = defineUpdate<ControlReply>('pause');
export const resumeUpdate = defineUpdate<ControlReply>('resume');
export const stopTrainingUpdate = defineUpdate<ControlReply>('stopTraining');
export const extendTrainingUpdate = defineUpdate<ControlReply, [ExtendTrainingInput]>('extendTraining');

/** Query of a sweep, by the same name as that of a run. */
export const sweepProgressQuery = defineQuery<SweepProgress>(PROGRESS_QUERY);
/** Updates of a sweep by its user, which `resume` also is. */
export const retryRunsUpdate = defineUpdate<ControlReply>(RETRY_RUNS_UPDATE);
export const addSizesUpdate = defineUpdate<ControlReply, [AddSizesInput]>(ADD_SIZES_UPDATE);
export const addSettingsUpdate = defineUpdate<ControlReply, [AddSettingsInput]>(ADD_SETTINGS_UPDATE);

/** What a training is to do; always complete, so that a repeated signal changes nothing. */
export interface TrainDirective {
  paused: boolean;
  stop: boolean;
  targetKimg: number;
  /** How often the user has resumed the run: a parked training tries again when it increases. */
  resumptions: number;
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
  /** Why it is parked; null: it is not. */
  attention: Attention | null;
  /** What its newest finished attempt started from. */
  resumption: Resumption | null;
  /** Of one snapshot that has just been evaluated. */
  points?: CurvePoint[];
  /** Snapshots that will have no metrics. */
  gaps?: MetricGap[];
}

/** The state of a training that was started by itself. */
export interface TrainingProgress extends Pick<TrainReport, 'state' | 'attention' | 'targetKimg'> {
  kimg: number;
  last: CheckpointRef | null;
  best: CurvePoint | null;
  /** Evaluations that have ended. */
  evaluated: number;
  curve: CurvePoint[];
  gaps: MetricGap[];
}

/** Query of `trainUntilConverged`; null while its spec is resolved. */
export const trainingQuery = defineQuery<TrainingProgress | null>('training');

/** Signal to `gistPipeline` by its training. */
export const trainReportSignal = defineSignal<[TrainReport]>('trainReport');

/** Signal to `processShards` by the pipeline: start no more shards. */
export const stopShardsSignal = defineSignal('stopShards');
