/** Activities that only record calls, for tests of the workflows themselves. */
import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import path from 'node:path';
import type { PipelineInput, PipelineSpec } from '../../src/spec/pipeline.js';
import type { PreprocessSpec } from '../../src/spec/preprocess.js';
import { parseSpec } from '../../src/spec/parse.js';
import type { Attention } from '../../src/spec/controls.js';
import { TooFewImagesError } from '../../src/core/errors.js';
import { asFailure, withTypedFailures } from '../../src/activities/failures.js';
import type { RecordedDirective, ResolveInput, RunActivities } from '../../src/activities/run.js';
import {
  boundedRecord,
  type TrainActivityResult,
  type TrainInput,
  type TrainingRecord,
} from '../../src/activities/train.js';
import type { TrainUntilConvergedInput } from '../../src/workflows/train-until-converged.js';
import { createSweepActivities } from '../../src/activities/sweep.js';
import type { EvaluateInput, SnapshotInput } from '../../src/spec/compute-tasks.js';
import type { ClassifierInput, ClassifierJob, ClassifierPlan } from '../../src/spec/gan-train-test.js';
import type { CheckpointRef, CurvePoint, EvaluateResult } from '../../src/spec/results.js';
import type { ObjectStore } from '../../src/storage/index.js';
import { recordStageResult } from '../../src/storage/runs.js';

/** The state of a simulated run, as the object store would hold it. */
export class RunRecord {
  kimg = 0;
  trainActivities = 0;
  /** Train activities at the same time. */
  trainings = { running: 0, most: 0 };
  shards: number[] = [];
  startedShards = 0;
  /** Its shards of every stage, where they differ from those of other runs. */
  plannedShards: number | null = null;
  /** Stages that were recorded as matching the spec. */
  matchesSpec: string[] = [];
  /** Snapshots that are announced together; the next ones wait until they are evaluated. */
  snapshotsAtOnce = 1;
  /** Ends where the trainer does: at the whole image nearest to the target. */
  countsWholeImages = false;
  /** What planning and evaluation wait for. */
  holdResolve: Promise<void> | null = null;
  holdPlan: Promise<void> | null = null;
  /** Of the result of a stage. */
  holdRecord: Promise<void> | null = null;
  holdEvaluations: Promise<void> | null = null;
  /** In the store: snapshots, their metrics, and what updates changed. */
  snapshots: CheckpointRef[] = [];
  curve: CurvePoint[] = [];
  directive: RecordedDirective | null = null;
  failTraining: Error | null = null;
  failShards: Error | null = null;
  failEvaluations: Error | null = null;
  holdShards: Promise<void> | null = null;
  /** Of a sweep. */
  failReport: Error | null = null;
  /** Classifiers that are trained, by data set: their activities know no run. */
  holdClassifiers: Promise<void> | null = null;
  classifiers: number[] = [];
  /** The spec of its newest execution. */
  spec: PipelineSpec | null = null;
  /** Executions of the run, and what was sent by webhook. */
  runs = 0;
  notified: Attention[] = [];
  /** The checkpoint that the workflow expected, for each train activity. */
  expected: (CheckpointRef | null)[] = [];
  /** Where each train activity started. */
  resumedKimg: number[] = [];
  /** Half the width of the interval of fd; null: it has none. */
  noise: number | null = null;
  fd: (kimg: number) => number = (kimg) => 100 - kimg;

  snapshot(kimg: number): CheckpointRef {
    return { prefix: `checkpoint-${kimg}/`, kimg, step: kimg * 10 };
  }
}

const dataset = {
  prefix: 'datasets/d/',
  digest: 'd',
  resolution: 32,
  channels: 1 as const,
  classes: null,
  images: { train: 8, holdout: 2 },
  rejected: 0,
};

function classifierJob(seed: number): ClassifierJob {
  return {
    prefix: `classifiers/${seed}/`,
    network: 'small',
    weights: null,
    trainedOn: 'real',
    seed,
    classes: ['a', 'b'],
    steps: 1,
    batch: 2,
    learningRate: 1e-3,
    maxImages: 16,
    maxTrainedSynthetic: 16,
  };
}

/** A failure of a first attempt. */
const FIRST = { attempt: 1, elapsedMs: 0 };

const synthetic = { stage: 'generate' as const, prefix: 'g/', digest: 'g', images: 8 };

/**
 * The activities, all on one task queue, of runs whose data sets have so many shards; and the
 * record of each run. With a store, results and sweeps are recorded there.
 */
export function simulatedWork(taskQueue: string, shards: number, store?: ObjectStore) {
  const records = new Map<string, RunRecord>();
  /** Training images of the source, which tests may change; what was begun on it, in order. */
  const source = { images: 1e6, begun: [] as string[] };
  const recordOf = (runId: string): RunRecord => {
    const record = records.get(runId) ?? new RunRecord();
    records.set(runId, record);
    return record;
  };

  const shardsOf = (runId: string) => recordOf(runId).plannedShards ?? shards;

  const activities = {
    resolveRun: async ({ runId, input, isNew }: ResolveInput) => {
      const spec = parseOrFail(input);
      const record = recordOf(runId);
      source.begun.push(`resolve ${runId}`);
      await record.holdResolve;
      record.runs++;
      if (isNew) record.directive = null;
      record.spec = spec;
      return {
        spec,
        hasSearchAttributes: false,
        directive: record.directive,
        taskQueues: { cpu: taskQueue, gpu: taskQueue },
        dataset: spec.stages.includes('preprocess') ? null : dataset,
        train: null,
        synthetic: null,
      };
    },
    async notifyAttention({ runId, attention }: { runId: string; attention: Attention }): Promise<void> {
      recordOf(runId).notified.push(attention);
    },
    async recordDirective({ runId, stop, targetKimg }: RecordedDirective & { runId: string }): Promise<void> {
      recordOf(runId).directive = { stop, targetKimg };
    },
    async trainingRecord({ runId }: { runId: string }): Promise<TrainingRecord> {
      const { kimg, curve, snapshots } = recordOf(runId);
      const last = kimg > 0 ? recordOf(runId).snapshot(kimg) : null;
      return { last, ...boundedRecord(snapshots, curve, null) };
    },
    findStage: async () => null,
    async recordStage(lookup: Parameters<RunActivities['recordStage']>[0]): Promise<void> {
      const { runId, stage, matchesSpec, result } = lookup;
      await recordOf(runId).holdRecord;
      if (matchesSpec) recordOf(runId).matchesSpec.push(stage);
      if (store) await recordStageResult(store, lookup, result, matchesSpec);
    },
    ...(store && sweepActivities(store, recordOf)),
    newestCheckpoint: async ({ runId }: { runId: string }) => recordOf(runId).snapshot(recordOf(runId).kimg),
    async planDataset({ runId, preprocess }: { runId: string; preprocess: PreprocessSpec }) {
      const record = recordOf(runId);
      source.begun.push(`plan ${runId}`);
      await record.holdPlan;
      if ((preprocess.limit ?? 0) > source.images)
        throw asFailure(new TooFewImagesError({ what: `there are only ${source.images} images` }), FIRST);
      return { digest: 'd', shards: shardsOf(runId), dataset: null };
    },
    async buildShard({ preprocess, shard }: { preprocess: PreprocessSpec; shard: number }): Promise<void> {
      // Shards know their source only.
      const record = recordOf(path.basename(String(preprocess.source)));
      record.startedShards++;
      await record.holdShards;
      if (record.failShards) throw record.failShards;
      record.shards.push(shard);
    },
    assembleDataset: async () => dataset,
    planGeneration: async ({ runId }: { runId: string }) => ({ digest: 'g', shards: shardsOf(runId) }),
    generateShard: async () => undefined,
    assembleSynthetic: async () => synthetic,
    planEvaluation: async ({ runId }: { runId: string }) => ({ sets: [], shards: shardsOf(runId) }),
    extractShardFeatures: async () => undefined,
    planClassifiers: async (): Promise<ClassifierPlan> => ({
      groups: [],
      jobs: Array.from({ length: 20 }, (_, seed) => classifierJob(seed)),
      caveats: [],
      impossible: null,
    }),
    async trainClassifier({ job, dataset }: ClassifierInput): Promise<void> {
      const record = recordOf(dataset);
      await record.holdClassifiers;
      record.classifiers.push(job.seed);
    },
    async computeMetrics({ spec }: EvaluateInput): Promise<EvaluateResult> {
      const size = spec.preprocess?.limit ?? 1000;
      const { seed, gamma } = spec.train;
      // Best where gamma is 8; auto is as good as 1.
      const loss = Math.abs(Math.log2(8) - Math.log2(gamma === 'auto' ? 1 : gamma));
      const metrics = { 'fd_effnetlite0.holdout': 7 + loss + 900 / size + seed / 10 };
      return { stage: 'evaluate', prefix: 'e/', metrics, report: 'e/report.html' };
    },
    async train({ runId, targetKimg, announced, expected }: TrainInput): Promise<TrainActivityResult> {
      const record = recordOf(runId);
      const context = Context.current();
      record.trainActivities++;
      record.expected.push(expected);
      record.resumedKimg.push(record.kimg);
      if (record.failTraining) throw record.failTraining;
      record.trainings.most = Math.max(record.trainings.most, ++record.trainings.running);
      const snapshots: CheckpointRef[] = [];
      const target = record.countsWholeImages ? Math.round(targetKimg * 1000) / 1000 : targetKimg;
      while (record.kimg < target && !context.cancellationSignal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        context.heartbeat(record.kimg);
        const evaluated = new Set(record.curve.map(({ kimg }) => kimg)).size;
        if (record.snapshotsAtOnce > 1 && evaluated < record.kimg) continue;
        const fresh: CheckpointRef[] = [];
        for (let i = 0; i < record.snapshotsAtOnce && record.kimg < target; i++)
          fresh.push(record.snapshot(++record.kimg));
        snapshots.push(...fresh);
        record.snapshots.push(...fresh);
        if (fresh.some(({ step }) => step > announced)) {
          const { workflowId } = context.info.workflowExecution ?? assert.fail();
          await context.client.workflow.getHandle(workflowId).signal('snapshots', fresh);
        }
      }
      record.trainings.running--;
      return { last: record.snapshot(record.kimg), snapshots };
    },
    async evaluateSnapshot({ runId, snapshot }: SnapshotInput) {
      if (recordOf(runId).failEvaluations) throw recordOf(runId).failEvaluations;
      await recordOf(runId).holdEvaluations;
      const record = recordOf(runId);
      const value = record.fd(snapshot.kimg);
      const interval = record.noise && { low: value - record.noise, high: value + record.noise };
      const metric = 'fd_effnetlite0';
      const point = { kimg: snapshot.kimg, metric, value, ...(interval && { interval }) };
      record.curve.push(point);
      return [point];
    },
  };
  return { recordOf, source, activities };
}

/** A training of 30 kimg outside of a pipeline, whose history is short. */
export function trainingInput(runId: string, taskQueue: string): TrainUntilConvergedInput {
  const { train } = parseSpec({
    name: runId,
    stages: ['train'],
    from: { dataset: 'datasets/d/' },
    train: { kimg: 30, snapshotKimg: 1, stopWhen: null },
  });
  const directive = { paused: false, stop: false, targetKimg: train.kimg, resumptions: 0 };
  const taskQueues = { cpu: taskQueue, gpu: taskQueue };
  return { runId, dataset, train, taskQueues, directive, historyEvents: 100 };
}

/** As the activities of a worker fail: see withTypedFailures. */
function parseOrFail(input: PipelineInput) {
  try {
    return parseSpec(input);
  } catch (error) {
    throw asFailure(error, FIRST);
  }
}

/** The real ones, on the store. */
function sweepActivities(store: ObjectStore, recordOf: (sweepId: string) => RunRecord) {
  const activities = withTypedFailures(createSweepActivities({ store }));
  const analyzeSweep: typeof activities.analyzeSweep = async (input) => {
    const { failReport } = recordOf(input.sweepId);
    if (failReport) throw failReport;
    return activities.analyzeSweep(input);
  };
  return { ...activities, analyzeSweep };
}
