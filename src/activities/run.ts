/**
 * Bookkeeping of a run: its inputs, the results of its stages, and results of earlier runs that it
 * can reuse.
 */
import type { ObjectStore } from '../storage/object-store.js';
import { environment } from '../core/environment.js';
import { newestListed, weightsDigest } from '../checkpoints/index.js';
import type { PipelineSpec, Stage } from '../spec/pipeline.js';
import type { CheckpointRef, DatasetRef, GenerateResult, StageResult, TrainResult } from '../spec/results.js';
import {
  findStageResult,
  recordRun,
  recordStageResult,
  resolveFrom,
  type StageLookup,
} from '../storage/runs.js';

export interface ResolvedRun {
  /** Task queues of this deployment; workflows cannot read the environment. */
  taskQueues: { cpu: string; gpu: string };
  dataset: DatasetRef | null;
  train: Pick<TrainResult, 'checkpoint'> | null;
  synthetic: GenerateResult | null;
}

export type { StageLookup };

export function createRunActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * Writes `run.json` and finds the results that `from:` names.
     *
     * @throws SpecError when there are none
     */
    async resolveRun({ runId, spec }: { runId: string; spec: PipelineSpec }): Promise<ResolvedRun> {
      const from = await resolveFrom(store, spec);
      await recordRun(store, runId, spec);
      return { taskQueues: { cpu: environment.taskQueue(), gpu: environment.gpuTaskQueue() }, ...from };
    },

    /** The result of an equal stage of an earlier run, or null. */
    async findStage(lookup: StageLookup): Promise<StageResult | null> {
      return findStageResult(store, await identified(store, lookup));
    },

    /** Records a finished stage for this run and, if it matches the spec, for later ones. */
    async recordStage(
      lookup: StageLookup & { stage: Stage; result: StageResult; matchesSpec?: boolean },
    ): Promise<void> {
      await recordStageResult(store, await identified(store, lookup), lookup.result, lookup.matchesSpec);
    },

    /** The newest checkpoint of a run in the store; null when there is none. */
    newestCheckpoint({ runId }: { runId: string }): Promise<CheckpointRef | null> {
      return newestListed(store, runId);
    },
  };
}

/** Images depend on weights, which their address alone does not identify. */
async function identified(store: ObjectStore, lookup: StageLookup): Promise<StageLookup> {
  const { stage, inputs } = lookup;
  if (stage !== 'generate') return lookup;
  return {
    ...lookup,
    inputs: [...inputs, ...(await Promise.all(inputs.map((at) => weightsDigest(store, at))))],
  };
}

export type RunActivities = ReturnType<typeof createRunActivities>;
