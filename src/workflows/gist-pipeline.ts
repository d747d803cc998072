/**
 * Runs the stages that a spec selects, each on the results of the previous ones, and accepts
 * updates meanwhile.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { EvaluateActivities } from '../activities/evaluate.js';
import type { GenerateActivities } from '../activities/generate.js';
import type { DatasetPlanned, PreprocessActivities } from '../activities/preprocess.js';
import type { ResolvedRun, RunActivities } from '../activities/run.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import { CONTINUES_MEMO } from '../spec/controls.js';
import type { ClassifierJob, ClassifierPlan } from '../spec/gan-train-test.js';
import { type PipelineInput, type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
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
import type { TaskQueues } from '../spec/task-queues.js';
import { isOrphaned } from './attention.js';
import { type CarriedControls, HistoryEnds, RunControls } from './controls.js';
import { BOOKKEEPING, STEADY_WORK } from './policies.js';
import { processShards, runShards, type ShardJob, type ShardRange } from './process-shards.js';
import { slidingWindow } from './sliding-window.js';
import { trainUntilConverged } from './train-until-converged.js';

/** Shards that one history may hold; more go to child workflows of this many each. */
const SHARDS_A_WORKFLOW = 200;
/**
 * Concurrent shards: enough to feed a small cluster, few enough to keep the queue fair between
 * runs.
 */
const WINDOW = 8;

/**
 * @param input a spec as a user writes it. An activity checks it and fills in defaults, once: a
 *   later version of GIST with other defaults replays the recorded result.
 */
export async function gistPipeline(
  input: PipelineInput,
  carried: CarriedRun | null = null,
  options: { historyEvents?: number } = {},
): Promise<PipelineResult> {
  const pipeline = new Pipeline(options);
  const result = await pipeline.run(input, carried);
  await condition(allHandlersFinished);
  if (result) return result;
  return continueAsNew<typeof gistPipeline>(input, pipeline.carried, options);
}

/** On a CPU, or for minutes on a device: each kind has a task queue. */
type ShardWork = keyof Pick<TaskQueues, 'cpu' | 'short'>;

/** Carried over when the workflow continues as new. */
interface CarriedRun {
  resolved: ResolvedRun;
  result: PipelineResult;
  controls: CarriedControls;
}

class Pipeline {
  private readonly runId = workflowInfo().workflowId;
  private readonly controls = new RunControls(this.runId);
  private readonly bookkeeping = proxyActivities<RunActivities>(BOOKKEEPING);
  private result: PipelineResult = { runId: this.runId, stages: {}, reused: [] };
  private resolved!: ResolvedRun;

  constructor(private readonly options: { historyEvents?: number }) {
    this.controls.listen();
  }

  get carried(): CarriedRun {
    const { resolved, result, controls } = this;
    return { resolved, result, controls: controls.carried };
  }

  /** @returns null when it must continue as new */
  async run(input: PipelineInput, carried: CarriedRun | null): Promise<PipelineResult | null> {
    const { tracker } = this.controls;
    const { runId } = this;
    const isNew = !continuesEarlierRun();
    if (carried) Object.assign(this, { resolved: carried.resolved, result: carried.result });
    else this.resolved = await this.attend(() => this.bookkeeping.resolveRun({ runId, input, isNew }));
    this.controls.begin(this.spec, this.resolved.directive, carried?.controls);
    tracker.begin(this.spec, this.resolved.hasSearchAttributes);
    for (const stage of STAGES) {
      if (!this.spec.stages.includes(stage)) continue;
      if (this.result.stages[stage]) tracker.endStage(stage, this.result.reused.includes(stage));
      else if (!(await this.runStage(stage))) return null;
    }
    tracker.finish();
    return this.result;
  }

  /** Work that no single shard does: plans, manifests, metrics. */
  private get steady() {
    const taskQueue = this.queueOf('cpu');
    return proxyActivities<PreprocessActivities & GenerateActivities & EvaluateActivities>({
      ...STEADY_WORK,
      taskQueue,
    });
  }

  /** Runs of earlier versions have recorded one queue for all work on a device. */
  private queueOf(work: ShardWork): string {
    const { cpu, short, gpu } = this.resolved.taskQueues;
    return work === 'cpu' ? cpu : (short ?? gpu);
  }

  private get spec(): PipelineSpec {
    return this.resolved.spec;
  }

  private attend<T>(work: () => Promise<T>): Promise<T> {
    return this.controls.attend(work);
  }

  /** @returns false when it must continue as new before the stage has ended */
  private async runStage(stage: Stage): Promise<boolean> {
    try {
      await this.runWholeStage(stage);
      return true;
    } catch (error) {
      if (error instanceof HistoryEnds) return false;
      throw error;
    }
  }

  private async runWholeStage(stage: Stage): Promise<void> {
    await this.controls.waitWhilePaused();
    this.controls.tracker.startStage(stage);
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
    this.controls.tracker.endStage(stage, this.result.reused.includes(stage));
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
    const found = (await this.attend(() => this.bookkeeping.findStage(lookup))) as Result | null;
    if (found) {
      this.result.reused.push(stage);
      await this.attend(() => this.bookkeeping.recordStage({ ...lookup, result: found }));
      return found;
    }
    const result = await work();
    const matchesSpec = result.stage !== 'train' || this.controls.matchesSpec(result);
    await this.attend(() => this.bookkeeping.recordStage({ ...lookup, result, matchesSpec }));
    return result;
  }

  private async preprocess(): Promise<PreprocessResult> {
    const settings = this.spec.preprocess;
    if (!settings) throw ApplicationFailure.nonRetryable('preprocess: is required', 'SpecError');
    const { runId } = this;
    const reuse = this.spec.cache;
    const request = { runId, preprocess: settings, reuse };
    const planned = await this.attend(() => this.steady.planDataset(request));
    const plan = planned.looks ? await this.planLooked(request, planned) : planned;
    const built = { digest: plan.digest, preprocess: settings };
    if (plan.dataset) this.result.reused.push('preprocess');
    else await this.overShards({ activity: 'buildShard', input: built }, plan.shards, 'cpu');
    const dataset = plan.dataset ?? (await this.attend(() => this.steady.assembleDataset(built)));
    this.controls.tracker.usesDataset(dataset.digest);
    const result: PreprocessResult = { stage: 'preprocess', dataset };
    const lookup = { runId, stage: 'preprocess' as const, inputs: [plan.digest], settings, reuse };
    await this.attend(() => this.bookkeeping.recordStage({ ...lookup, result }));
    return result;
  }

  /** Finishes a plan for which several workers look at the images. */
  private async planLooked(
    request: Parameters<PreprocessActivities['planDataset']>[0],
    { digest, looks = 0 }: DatasetPlanned,
  ): Promise<DatasetPlanned> {
    const input = { digest, preprocess: request.preprocess };
    await this.overShards({ activity: 'lookShard', input }, looks, 'cpu');
    return this.attend(() => this.steady.planDataset({ ...request, isLooked: true }));
  }

  private async train(): Promise<TrainResult> {
    for (;;) {
      const child = await this.controls.tracker.working(() => this.startTraining());
      try {
        return await this.controls.whileTraining(child, this.options.historyEvents);
      } catch (error) {
        // It did not find this run for a while, as during a reset: it left a checkpoint.
        if (!isOrphaned(error)) throw error;
      }
    }
  }

  /**
   * An earlier execution of this run may still be training, as after a reset: it writes a
   * checkpoint and ends, and this one resumes from there.
   */
  private async startTraining() {
    const workflowId = `${this.runId}/train`;
    for (let seconds = 5; ; seconds = Math.min(60, 2 * seconds)) {
      try {
        return await startChild(trainUntilConverged, {
          workflowId,
          // A run that is cancelled or terminated leaves a checkpoint, and frees the device.
          parentClosePolicy: 'REQUEST_CANCEL',
          staticSummary: `training of ${this.spec.name}`,
          args: [
            {
              runId: this.runId,
              dataset: this.dataset(),
              train: this.spec.train,
              taskQueues: this.resolved.taskQueues,
              directive: this.controls.directive(),
              historyEvents: this.options.historyEvents,
            },
          ],
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        await getExternalWorkflowHandle(workflowId)
          .cancel()
          .catch(() => undefined);
        await sleep(`${seconds} seconds`);
      }
    }
  }

  private async generate(): Promise<GenerateResult> {
    const input = {
      runId: this.runId,
      checkpoint: this.checkpoint(),
      dataset: this.datasetIfAny(),
      generate: this.spec.generate,
    };
    const plan = await this.attend(() => this.steady.planGeneration(input));
    await this.overShards(
      { activity: 'generateShard', input: { ...input, digest: plan.digest } },
      plan.shards,
      'short',
    );
    return this.attend(() => this.steady.assembleSynthetic({ ...input, digest: plan.digest }));
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
    const plan = await this.attend(() => this.steady.planEvaluation(input));
    await this.overShards(
      { activity: 'extractShardFeatures', input: { sets: plan.sets } },
      plan.shards,
      'short',
    );
    const { ganTrainTest } = this.spec.evaluate;
    if (!ganTrainTest) return this.attend(() => this.steady.computeMetrics(input));
    const classifiers = await this.trainClassifiers(input, ganTrainTest.checkpointSeconds);
    return this.attend(() => this.steady.computeMetrics({ ...input, classifiers }));
  }

  private async trainClassifiers(input: EvaluateInput, checkpointSeconds: number): Promise<ClassifierPlan> {
    const device = proxyActivities<EvaluateActivities>({ ...STEADY_WORK, taskQueue: this.queueOf('short') });
    const plan = await this.attend(() => device.planClassifiers(input));
    const [dataset, synthetic] = [input.dataset.prefix, input.synthetic.prefix];
    this.controls.tracker.count(plan.jobs.length, 'classifiers');
    const work = async (index: number) => {
      const job = plan.jobs[index] as ClassifierJob;
      await this.attend(() => device.trainClassifier({ job, dataset, synthetic, checkpointSeconds }));
      this.controls.tracker.advance(1);
    };
    for (let from = 0; from < plan.jobs.length; ) {
      const range = { from, to: plan.jobs.length, width: WINDOW };
      from = await slidingWindow(range, work, () => this.controls.isPaused);
      await this.controls.waitWhilePaused();
    }
    return plan;
  }

  private async overShards(job: ShardJob, shards: number, work: ShardWork): Promise<void> {
    const taskQueue = this.queueOf(work);
    this.controls.tracker.count(shards, 'shards');
    for (let from = 0; from < shards; ) {
      await this.controls.waitWhilePaused();
      const to = Math.min(shards, from + SHARDS_A_WORKFLOW);
      const range = { job, taskQueue, from, to, width: WINDOW };
      from = shards <= SHARDS_A_WORKFLOW ? await this.runShards(range) : await this.runChild(range);
    }
    await this.controls.waitWhilePaused();
  }

  private runShards(range: ShardRange): Promise<number> {
    return runShards(range, {
      onShard: () => this.controls.tracker.advance(1),
      shouldStop: () => this.controls.isPaused,
      attend: (work) => this.attend(work),
    });
  }

  private async runChild(range: ShardRange): Promise<number> {
    const next = await this.attend(async () =>
      this.controls.whileShards(
        await startChild(processShards, { args: [range], parentClosePolicy: 'REQUEST_CANCEL' }),
      ),
    );
    this.controls.tracker.advance(next - range.from);
    return next;
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
    const { rejectAbove = null } = this.spec.generate;
    const rejection = rejectAbove === null ? [] : [`rejectAbove ${rejectAbove}`];
    return [this.dataset().digest, this.synthetic().digest, ...rejection];
  }
}

/** Whether `gist retry` has started it, or it was reset: stops and extensions stay in force. */
function continuesEarlierRun(): boolean {
  const { memo, runId, firstExecutionRunId } = workflowInfo();
  return memo?.[CONTINUES_MEMO] === true || runId !== firstExecutionRunId;
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
