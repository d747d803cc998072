/** What all sweeps have in common: keys of their specs, ids, progress and records of their runs. */
import { z } from 'zod';
import { RunError } from '../core/errors.js';
import type { Attention } from './controls.js';
import { selectedMetrics } from './evaluate.js';
import { DISTANCE_NAMES, type DistanceName, type MetricName } from './metrics.js';
import { type PipelineSpec, pipelineSchema, STAGES } from './pipeline.js';
import { checkRunId } from './run-id.js';

/** Keys that every sweep has. */
export const sweepFields = {
  $schema: z.string().optional().describe('Used by editors; ignored.'),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'must be 1 to 63 letters, digits, dots, hyphens or underscores')
    .describe('Short name; part of the id of the sweep.'),
  run: pipelineSchema.describe('The spec of its runs, except for what the sweep varies.'),
  metric: z
    .enum(DISTANCE_NAMES)
    .nullable()
    .default(null)
    .describe(
      'Distance to unseen images that runs are compared by; null: the first one of run.evaluate.metrics.',
    ),
  parallel: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe('Runs in progress at once; those that find no free device wait in the queue.'),
};

/**
 * Refuses what keeps the runs of a sweep from being compared: every sweep needs all stages, unseen
 * images and a distance to them.
 */
export function checkComparable(
  spec: { metric: DistanceName | null; run: PipelineSpec },
  refuse: (path: string, message: string) => void,
): void {
  const { run } = spec;
  const missing = STAGES.find((stage) => !run.stages.includes(stage));
  if (missing) refuse('run.stages', `needs all stages; "${missing}" is missing`);
  if (run.from !== null) refuse('run.from', 'must be left out: a sweep runs all stages');
  if (run.preprocess?.holdout.fraction === 0 && run.preprocess.splits !== 'keep')
    refuse('run.preprocess.holdout.fraction', 'must be above 0: all runs are compared with unseen images');
  if (!sweepMetric(spec)) refuse('metric', 'must be one of the distances of run.evaluate.metrics');
}

/** The distance to unseen images that runs are compared by; undefined when there is none. */
export function sweepMetric({
  metric,
  run,
}: {
  metric: DistanceName | null;
  run: Pick<PipelineSpec, 'evaluate'>;
}): string | undefined {
  const distances = selectedMetrics(run.evaluate).filter(isDistance);
  const chosen = metric ?? distances[0];
  return chosen && distances.includes(chosen) ? `${chosen}.holdout` : undefined;
}

function isDistance(name: MetricName): name is DistanceName {
  return (DISTANCE_NAMES as readonly MetricName[]).includes(name);
}

/**
 * Tasks of sweeps wait until no task of other runs does: 3 is the default, larger numbers come
 * later.
 */
export const SWEEP_PRIORITY_KEY = 4;
/** Temporal takes fairness keys of at most this many bytes. */
export const MAX_FAIRNESS_KEY = 64;

/** Names of the workflows of sweeps. */
export const DATASET_SIZE_SWEEP = 'datasetSizeSweep';
export const HYPERPARAMETER_SWEEP = 'hyperparameterSweep';
export const SWEEP_WORKFLOWS: readonly string[] = [DATASET_SIZE_SWEEP, HYPERPARAMETER_SWEEP];

/** Updates of a running sweep. */
export type SweepUpdate = typeof RETRY_RUNS_UPDATE | typeof ADD_SIZES_UPDATE | typeof ADD_SETTINGS_UPDATE;
/** Its failed runs start again. */
export const RETRY_RUNS_UPDATE = 'retryRuns';
/** More sizes. */
export const ADD_SIZES_UPDATE = 'addSizes';
/** More settings. */
export const ADD_SETTINGS_UPDATE = 'addSettings';

/** Progress and history carry all runs, and a message of Temporal has at most 2 MB. */
export const MAX_RUNS = 1_000;

/** Leaves room for the names of its runs, whose ids begin with it. */
const MAX_SWEEP_ID = 100;

/** @throws RunError when it cannot be the id of a sweep */
export function checkSweepId(id: string): string {
  checkRunId(id);
  if (id.length <= MAX_SWEEP_ID) return id;
  throw new RunError({
    what: `the id of a sweep has at most ${MAX_SWEEP_ID} characters, and this one has ${id.length}`,
    where: id,
    hint: 'The ids of its runs begin with it: give a shorter one.',
  });
}

/** The id of a run: that of its sweep, and what tells it from the others. */
export function sweepRunId(sweepId: string, ...parts: (string | number)[]): string {
  return [sweepId, ...parts].join('-');
}

/** `unavailable`: the source has too few images for it. */
export type SweepRunState = 'waiting' | 'running' | 'done' | 'failed' | 'unavailable';

/** A run by its id and its place in the sweep. */
export interface RunOfSweep<Point = unknown> {
  runId: string;
  point: Point;
  /** Length of its training, where the sweep may continue it under the same id. */
  rungKimg?: number;
}

/** Tells a run, and each length of one that is continued, from the others of its sweep. */
export function runName({ runId, rungKimg }: Omit<RunOfSweep, 'point'>): string {
  return rungKimg === undefined ? runId : `${runId}-${rungKimg}kimg`;
}

/** A run of a sweep. */
export interface SweepRun<Point> extends RunOfSweep<Point> {
  state: SweepRunState;
  /** Why it failed or is unavailable. */
  reason?: string;
  /** The metric that runs are compared by. */
  value?: number;
}

/** Result of the `progress` query of a sweep. */
export interface SweepProgress<Point = unknown> {
  sweepId: string;
  workflow: string;
  name: string;
  /** `finishing`: all runs have ended, and the report is written. */
  state: 'starting' | 'running' | 'finishing' | 'needs-attention' | 'done';
  attention: Attention | null;
  runs: SweepRun<Point>[];
}

/** The result of a sweep. */
export interface SweepResult {
  sweepId: string;
  /** Number of runs in each state. */
  runs: Partial<Record<SweepRunState, number>>;
  /** Key of the HTML page. */
  report: string;
  /** The answer in words. */
  answer: string;
}

/** What the store keeps of a finished run of a sweep. */
export interface SweepRecord<Point = unknown> extends RunOfSweep<Point> {
  /** The run whose results they are: another one when results were kept from an earlier sweep. */
  madeBy: string;
  /** Metrics of the evaluate stage by full name. */
  metrics: Record<string, number>;
  images: { train: number; holdout: number };
  /** Length of the training in kimg, and that of its best snapshot. */
  kimg: number;
  bestKimg: number;
  /** Why the training ended. */
  ended: string;
  /** Seconds of the training on its device; null when the store no longer tells. */
  trainingSeconds: number | null;
  /** Bytes of its checkpoints and synthetic images; null when the store no longer tells. */
  storedBytes: number | null;
  /** Key of the grid of synthetic images, whose seeds are the same in all runs. */
  grid: string | null;
  /** Key of the report of the run. */
  report: string;
}
