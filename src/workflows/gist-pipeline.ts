/**
 * Runs the stages that a spec selects, each on the results of the previous ones, and accepts
 * updates meanwhile.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  executeChild,
  proxyActivities,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { EvaluateActivities } from '../activities/evaluate.js';
import type { GenerateActivities } from '../activities/generate.js';
import type { PreprocessActivities } from '../activities/preprocess.js';
import type { ResolvedRun, RunActivities } from '../activities/run.js';
import { GistError } from '../core/errors.js';
import { type PipelineInput, type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
import { parseSpec } from '../spec/parse.js';
import type {
  CheckpointRef,
  DatasetRef,
  EvaluateResult,
  GenerateResult,
  PipelineResult,
  PreprocessResult,
  StageResult,
  TrainResult,
} from '../spec/results.js';
import { RunControls } from './controls.js';
import { BOOKKEEPING, STEADY_WORK } from './policies.js';
import { processShards, type ShardJob } from './process-shards.js';
import { trainUntilConverged } from './train-until-converged.js';

/** Shards that one history may hold; more go to child workflows of this many each. */
const SHARDS_A_WORKFLOW = 200;
/**
 * Concurrent shards: enough to feed a small cluster, few enough to keep the queue fair between
 * runs.
 */
const WINDOW = 8;

export async function gistPipeline(input: PipelineInput): Promise<PipelineResult> {
  const spec = parseOrRefuse(input);
  const pipeline = new Pipeline(spec);
  const result = await pipeline.run();
  await condition(allHandlersFinished);
  return result;
}

function parseOrRefuse(input: PipelineInput): PipelineSpec {
  try {
    return parseSpec(input);
  } catch (error) {
    if (error instanceof GistError) throw ApplicationFailure.nonRetryable(error.message, error.name);
    throw error;
  }
}

class Pipeline {
  private readonly runId = workflowInfo().workflowId;
  private readonly controls: RunControls;
  private readonly bookkeeping = proxyActivities<RunActivities>(BOOKKEEPING);
  private readonly steady = proxyActivities<PreprocessActivities & GenerateActivities & EvaluateActivities>(
    STEADY_WORK,
  );
  private readonly result: PipelineResult = { runId: this.runId, stages: {}, reused: [] };
  private resolved!: ResolvedRun;

  constructor(private readonly spec: PipelineSpec) {
    this.controls = new RunControls(this.runId, spec);
    this.controls.listen();
  }

  async run(): Promise<PipelineResult> {
    upsertMemo({ name: this.spec.name, stage: 'starting' });
    this.resolved = await this.bookkeeping.resolveRun({ runId: this.runId, spec: this.spec });
    for (const stage of STAGES) if (this.spec.stages.includes(stage)) await this.runStage(stage);
    upsertMemo({ name: this.spec.name, stage: 'done' });
    this.controls.finish();
    return this.result;
  }

  private async runStage(stage: Stage): Promise<void> {
    await this.controls.waitWhilePaused();
    upsertMemo({ name: this.spec.name, stage });
    this.controls.startStage(stage);
    switch (stage) {
      case 'preprocess':
        this.result.stages.preprocess = await this.preprocess();
        break;
      case 'train':
        this.result.stages.train = await this.reuseOr(stage, [this.dataset().digest], () => this.train());
        break;
      case 'generate':
        this.result.stages.generate = await this.reuseOr(stage, [this.checkpoint().prefix], () =>
          this.generate(),
        );
        break;
      case 'evaluate':
        this.result.stages.evaluate = await this.reuseOr(stage, this.evaluationInputs(), () =>
          this.evaluate(),
        );
        break;
    }
    this.controls.endStage(stage, this.result.reused.includes(stage));
  }

  /**
   * The result of an earlier run with the same inputs and settings, or else the result of `work`.
   */
  private async reuseOr<Result extends StageResult>(
    stage: Exclude<Stage, 'preprocess'>,
    inputs: string[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const lookup = { runId: this.runId, stage, inputs, settings: this.spec[stage], reuse: this.spec.cache };
    const found = (await this.bookkeeping.findStage(lookup)) as Result | null;
    if (found) {
      this.result.reused.push(stage);
      await this.bookkeeping.recordStage({ ...lookup, result: found });
      return found;
    }
    const result = await work();
    const matchesSpec = result.stage !== 'train' || this.controls.matchesSpec(result);
    await this.bookkeeping.recordStage({ ...lookup, result, matchesSpec });
    return result;
  }

  private async preprocess(): Promise<PreprocessResult> {
    const settings = this.spec.preprocess;
    if (!settings) throw ApplicationFailure.nonRetryable('preprocess: is required', 'SpecError');
    const plan = await this.steady.planDataset({
      runId: this.runId,
      preprocess: settings,
      reuse: this.spec.cache,
    });
    if (plan.dataset) this.result.reused.push('preprocess');
    else
      await this.overShards(
        { activity: 'buildShard', input: { digest: plan.digest, preprocess: settings } },
        plan.shards,
        'cpu',
      );
    const dataset =
      plan.dataset ?? (await this.steady.assembleDataset({ digest: plan.digest, preprocess: settings }));
    const result: PreprocessResult = { stage: 'preprocess', dataset };
    await this.bookkeeping.recordStage({
      runId: this.runId,
      stage: 'preprocess',
      inputs: [plan.digest],
      settings,
      reuse: this.spec.cache,
      result,
    });
    return result;
  }

  private async train(): Promise<TrainResult> {
    const child = await startChild(trainUntilConverged, {
      workflowId: this.controls.trainWorkflowId,
      parentClosePolicy: 'REQUEST_CANCEL',
      args: [
        {
          runId: this.runId,
          dataset: this.dataset(),
          train: this.spec.train,
          taskQueues: this.resolved.taskQueues,
          directive: this.controls.directive(),
        },
      ],
    });
    return this.controls.whileTraining(child);
  }

  private async generate(): Promise<GenerateResult> {
    const input = {
      runId: this.runId,
      checkpoint: this.checkpoint(),
      dataset: this.datasetIfAny(),
      generate: this.spec.generate,
    };
    const plan = await this.steady.planGeneration(input);
    await this.overShards(
      { activity: 'generateShard', input: { ...input, digest: plan.digest } },
      plan.shards,
      'gpu',
    );
    return this.steady.assembleSynthetic({ ...input, digest: plan.digest });
  }

  private async evaluate(): Promise<EvaluateResult> {
    const input = {
      runId: this.runId,
      spec: this.spec,
      dataset: this.dataset(),
      synthetic: this.synthetic(),
      train: this.result.stages.train ?? this.resolved.train ?? null,
      reused: this.result.reused,
    };
    const plan = await this.steady.planEvaluation(input);
    await this.overShards(
      { activity: 'extractShardFeatures', input: { sets: plan.sets } },
      plan.shards,
      'gpu',
    );
    return this.steady.computeMetrics(input);
  }

  private async overShards(job: ShardJob, shards: number, queue: 'cpu' | 'gpu'): Promise<void> {
    const taskQueue = this.resolved.taskQueues[queue];
    this.controls.count(shards, 'shards');
    for (let from = 0; from < shards; from += SHARDS_A_WORKFLOW) {
      await this.controls.waitWhilePaused();
      const range = { job, taskQueue, from, to: Math.min(shards, from + SHARDS_A_WORKFLOW), width: WINDOW };
      if (shards <= SHARDS_A_WORKFLOW) await processShards(range, () => this.controls.advance(1));
      else {
        await executeChild(processShards, { args: [range], parentClosePolicy: 'REQUEST_CANCEL' });
        this.controls.advance(range.to - from);
      }
    }
  }

  private dataset(): DatasetRef {
    return required(this.datasetIfAny(), 'dataset');
  }

  private datasetIfAny(): DatasetRef | null {
    return this.result.stages.preprocess?.dataset ?? this.resolved.dataset ?? null;
  }

  private checkpoint(): CheckpointRef {
    return required(this.result.stages.train?.checkpoint ?? this.resolved.train?.checkpoint, 'checkpoint');
  }

  private synthetic(): GenerateResult {
    return required(this.result.stages.generate ?? this.resolved.synthetic, 'synthetic');
  }

  private evaluationInputs(): string[] {
    return [this.dataset().digest, this.synthetic().digest];
  }
}

function required<T>(value: T | null | undefined, part: string): T {
  if (value === null || value === undefined) {
    throw ApplicationFailure.nonRetryable(
      `from.${part}: the run or address given does not provide it.`,
      'SpecError',
    );
  }
  return value;
}
