/** Inputs and results of the tasks of a compute process. */
import type { OnProgress } from '../core/progress.js';
import type { ClassifierInput, ClassifierPlan } from './gan-train-test.js';
import type { GenerateSpec } from './generate.js';
import type { ExtractorName } from './metrics.js';
import type { PipelineSpec } from './pipeline.js';
import type {
  CheckpointRef,
  CurvePoint,
  DatasetRef,
  EvaluateResult,
  GenerateResult,
  TrainResult,
} from './results.js';
import type { TrainSpec } from './train.js';

/** Inputs and results are plain JSON. */
interface Task<Input, Result> {
  input: Input;
  result: Result;
}

export interface ComputeTasks {
  generateShard: Task<SyntheticInput & { shard: number }, void>;
  assembleSynthetic: Task<SyntheticInput, GenerateResult>;
  evaluateSnapshot: Task<SnapshotInput, CurvePoint[]>;
  listFeatureSets: Task<PlannedSets, FeatureSet[]>;
  extractShardFeatures: Task<FeatureShard, void>;
  trainClassifier: Task<ClassifierInput, void>;
  computeMetrics: Task<EvaluateInput, EvaluateResult>;
}

export type TaskName = keyof ComputeTasks;

/** Runs tasks in separate processes, which isolates native crashes and memory leaks. */
export interface Compute {
  /** @throws GistError thrown by the task; TrainerCrashError if its process crashed */
  run<Name extends TaskName>(
    task: Name,
    input: ComputeTasks[Name]['input'],
    options: { onProgress: OnProgress; signal: AbortSignal },
  ): Promise<ComputeTasks[Name]['result']>;
  /** Gives the memory of the card to a training for as long as it runs. */
  lendDevice<Result>(training: () => Promise<Result>): Promise<Result>;
}

export interface SyntheticInput {
  runId: string;
  checkpoint: CheckpointRef;
  generate: GenerateSpec;
  /** Identifies the set within its run. */
  digest: string;
}

export interface SnapshotInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  snapshot: CheckpointRef;
}

/** Key prefixes of the compared sets, and the maximum number of images used of each. */
export interface ComparedSets {
  dataset: string;
  synthetic: string;
  maxImages: number;
  /** The checkpoint of the generator, and the number of images that metrics ask of it. */
  generator?: { checkpoint: string; images: number };
}

export interface PlannedSets extends ComparedSets {
  /** Those that the metrics use. */
  extractors: ExtractorName[];
}

export type SetName = 'train' | 'holdout' | 'synthetic';

/** A set of images. The shards of the evaluate stage are the shards of all sets, in order. */
export interface FeatureSet {
  set: SetName;
  /** Key prefix of the manifest that lists the set's shards. */
  prefix: string;
  /** Number of its shards that are used. */
  shards: number;
  /** Not in plans of earlier versions. */
  extractors?: ExtractorName[];
}

export interface FeatureShard {
  sets: FeatureSet[];
  /** Index of the shard over all sets, in order. */
  shard: number;
}

/** Data of a run at its evaluation; the report shows all of it. */
export interface EvaluateInput {
  runId: string;
  spec: PipelineSpec;
  dataset: DatasetRef;
  synthetic: GenerateResult;
  /** Only the checkpoint if it comes from `from`; null without a training. */
  train: Pick<TrainResult, 'checkpoint'> | TrainResult | null;
  reused: string[];
  /** Classifiers that were trained for it; absent where the spec asks for none. */
  classifiers?: ClassifierPlan;
}
