/**
 * The workflows with their commands in another order, which a replay must detect.
 */
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { RunActivities } from '../../src/activities/run.js';
import type { DatasetSizeSweepInput } from '../../src/spec/dataset-size-sweep.js';
import type { HyperparameterSweepInput } from '../../src/spec/hyperparameter-sweep.js';
import type { PipelineInput } from '../../src/spec/pipeline.js';
import type { PipelineResult, TrainResult } from '../../src/spec/results.js';
import type { SweepResult } from '../../src/spec/sweep.js';
import * as unchanged from '../../src/workflows/index.js';
import type { CarriedSweep } from '../../src/workflows/dataset-size-sweep.js';
import type { CarriedSettings } from '../../src/workflows/hyperparameter-sweep.js';
import { BOOKKEEPING } from '../../src/workflows/policies.js';
import type { ShardRange } from '../../src/workflows/process-shards.js';
import type { TrainUntilConvergedInput } from '../../src/workflows/train-until-converged.js';

/** Looks a stage up before it resolves the run. */
export async function gistPipeline(input: PipelineInput): Promise<PipelineResult> {
  const { findStage } = proxyActivities<RunActivities>(BOOKKEEPING);
  await findStage({ runId: 'any', stage: 'train', inputs: [], settings: null, reuse: true } as Parameters<
    typeof findStage
  >[0]);
  return unchanged.gistPipeline(input);
}

/** Waits before it trains. */
export async function trainUntilConverged(input: TrainUntilConvergedInput): Promise<TrainResult> {
  await sleep('1 second');
  return unchanged.trainUntilConverged(input);
}

/** Makes the last shard first. */
export async function processShards(range: ShardRange): Promise<number> {
  await unchanged.processShards({ ...range, from: range.to - 1 });
  return unchanged.processShards({ ...range, to: range.to - 1 });
}

/** Waits before it resolves the sweep. */
export async function datasetSizeSweep(
  input: DatasetSizeSweepInput,
  carried: CarriedSweep | null = null,
): Promise<SweepResult> {
  await sleep('1 second');
  return unchanged.datasetSizeSweep(input, carried);
}

/** Waits before it resolves the sweep. */
export async function hyperparameterSweep(
  input: HyperparameterSweepInput,
  carried: CarriedSettings | null = null,
): Promise<SweepResult> {
  await sleep('1 second');
  return unchanged.hyperparameterSweep(input, carried);
}
