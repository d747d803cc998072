/**
 * Bookkeeping of a run: its inputs, the results of its stages, and results of earlier runs that it
 * can reuse.
 */
import type { ObjectStore } from '../storage/object-store.js';
import { environment } from '../core/environment.js';
import { SetupError } from '../core/errors.js';
import { newestListed, weightsDigest } from '../checkpoints/index.js';
import { extractorIdentities, extractorIdentity } from '../evaluation/extractors/identity.js';
import { classifierIdentities } from '../evaluation/gan-train-test/plan.js';
import { type EvaluateSpec, evaluationExtractors } from '../spec/evaluate.js';
import type { GenerateSpec } from '../spec/generate.js';
import { extractorsOf } from '../spec/metrics.js';
import { parseSpec } from '../spec/parse.js';
import type { PipelineInput, PipelineSpec, Stage } from '../spec/pipeline.js';
import type { CheckpointRef, DatasetRef, GenerateResult, StageResult, TrainResult } from '../spec/results.js';
import {
  findDirective,
  findStageResult,
  forgetDirective,
  recordDirective,
  type RecordedDirective,
  recordRun,
  recordStageResult,
  resolveFrom,
  type StageLookup,
} from '../storage/runs.js';
import { deploymentQueues, type TaskQueues, trainingQueue } from '../spec/task-queues.js';
import type { TrainSpec } from '../spec/train.js';
import { leastDeviceMemory } from '../training/index.js';
import { hasSearchAttributes } from './search-attributes.js';

export interface ResolveInput {
  runId: string;
  input: PipelineInput;
  isNew: boolean;
}

export interface ResolvedRun {
  /** The whole spec, with all defaults of the version of GIST that started the run. */
  spec: PipelineSpec;
  /** Whether the namespace has GIST's search attributes. */
  hasSearchAttributes: boolean;
  /** What updates had changed in an earlier execution of the run; null: nothing. */
  directive: RecordedDirective | null;
  /** Task queues of this deployment for this run; workflows cannot read the environment. */
  taskQueues: TaskQueues;
  dataset: DatasetRef | null;
  train: Pick<TrainResult, 'checkpoint'> | null;
  synthetic: GenerateResult | null;
}

export type { RecordedDirective, StageLookup };

export function createRunActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * Checks the spec, writes it with all defaults to `run.json`, and finds the results that
     * `from:` names.
     *
     * @param isNew what updates have changed in an earlier run of that id does not apply
     * @throws SpecError when it cannot be run, or there are no such results
     */
    async resolveRun({ runId, input, isNew }: ResolveInput): Promise<ResolvedRun> {
      const spec = parseSpec(input);
      const from = await resolveFrom(store, spec);
      await recordRun(store, runId, spec);
      if (isNew) await forgetDirective(store, runId);
      return {
        spec,
        taskQueues: queuesOf(spec, from.dataset),
        hasSearchAttributes: await hasSearchAttributes(),
        directive: await findDirective(store, runId),
        ...from,
      };
    },

    /** What updates have changed in a run, for an execution that continues it. */
    async recordDirective({ runId, stop, targetKimg }: RecordedDirective & { runId: string }): Promise<void> {
      await recordDirective(store, runId, { stop, targetKimg });
    },

    /** The result of an equal stage of an earlier run, or null. */
    async findStage(lookup: StageLookup): Promise<StageResult | null> {
      return findStageResult(store, await identified(store, lookup));
    },

    /** Records a finished stage for this run and, if it matches the spec, for later ones. */
    async recordStage(
      lookup: StageLookup & { stage: Stage; result: StageResult; matchesSpec?: boolean },
    ): Promise<void> {
      const { result, matchesSpec } = lookup;
      await recordStageResult(store, await identified(store, lookup, result), result, matchesSpec);
    },

    /** The newest checkpoint of a run in the store; null when there is none. */
    newestCheckpoint({ runId }: { runId: string }): Promise<CheckpointRef | null> {
      return newestListed(store, runId);
    },
  };
}

/** The training's queue is that of the workers that can do it. */
function queuesOf({ train, preprocess, stages }: PipelineSpec, dataset: DatasetRef | null): TaskQueues {
  const { workflows: _, ...queues } = deploymentQueues(environment.taskQueue(), environment.gpuTaskQueue());
  if (!stages.includes('train')) return queues;
  const channels = preprocess?.color === 'rgb' ? 3 : 1;
  const data = dataset ?? { resolution: preprocess?.resolution ?? 0, channels };
  const needs = { engine: train.engine, bytes: leastDeviceMemory(train, data) };
  return { ...queues, gpu: trainingQueue(queues.gpu, needs) };
}

/**
 * Adds what an input's address or an extractor's name alone does not identify: the weights that
 * images and metrics depend on.
 *
 * @param result if there is one already, it says which weights it comes from
 */
async function identified(
  store: ObjectStore,
  lookup: StageLookup,
  result?: StageResult,
): Promise<StageLookup> {
  const { stage, inputs, settings } = lookup;
  if (stage === 'generate') {
    // What is rejected is decided by the evaluation, whose inputs have it.
    const { rejectAbove: _, ...generated } = settings as GenerateSpec;
    const own = { ...lookup, settings: generated };
    return withInputs(own, await Promise.all(inputs.map((at) => weightsDigest(store, at))));
  }
  if (stage === 'train') return withInputs(lookup, await snapshotExtractors(settings as TrainSpec));
  if (stage !== 'evaluate') return lookup;
  const known = result?.stage === 'evaluate' ? result.extractors : undefined;
  const spec = settings as EvaluateSpec;
  const extractors = Object.values(known ?? (await extractorIdentities(evaluationExtractors(spec)))).sort();
  return withInputs(lookup, [...extractors, ...(await classifierIdentities(spec.ganTrainTest))]);
}

/**
 * Imported weights of the extractors that choose the best snapshot; "missing" where they are not on
 * this machine, which the evaluation of a snapshot reports.
 */
async function snapshotExtractors({ snapshotMetrics }: TrainSpec): Promise<string[]> {
  const imported = extractorsOf(snapshotMetrics).filter((name) => name !== 'effnetlite0');
  return Promise.all(
    imported.map((name) =>
      extractorIdentity(name).catch((error: unknown) => {
        if (error instanceof SetupError) return `${name}-missing`;
        throw error;
      }),
    ),
  );
}

function withInputs(lookup: StageLookup, more: readonly string[]): StageLookup {
  return { ...lookup, inputs: [...lookup.inputs, ...more] };
}

export type RunActivities = ReturnType<typeof createRunActivities>;
