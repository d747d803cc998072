/** What a run has cost: hours of its training, and storage. */
import { findManifest } from '../checkpoints/index.js';
import type { PreprocessResult, TrainResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { sizeOf, type StoredRun } from './stored-run.js';

export interface RunCost {
  runId: string;
  /** Hours of the training on its device; null without a checkpoint. */
  trainingHours: number | null;
  /** Thousands of images that it was trained on. */
  kimg: number | null;
  /** Bytes in the folder of the run, and of its data set, which other runs may share. */
  runBytes: number;
  datasetBytes: number;
  /** Whether another run made the training, so that this one cost nothing. */
  reusedTraining: boolean;
}

export async function costOfRun(store: ObjectStore, { runId, stages }: StoredRun): Promise<RunCost> {
  const train = stages.train as TrainResult | undefined;
  const dataset = (stages.preprocess as PreprocessResult | undefined)?.dataset;
  const manifest = train && (await findManifest(store, train.last.prefix));
  const [own, data] = await Promise.all([
    sizeOf(store, `runs/${runId}/`),
    dataset ? sizeOf(store, dataset.prefix) : { bytes: 0 },
  ]);
  return {
    runId,
    trainingHours: manifest ? manifest.counters.seconds / 3600 : null,
    kimg: train?.last.kimg ?? null,
    runBytes: own.bytes,
    datasetBytes: data.bytes,
    reusedTraining: train !== undefined && !train.last.prefix.startsWith(`runs/${runId}/`),
  };
}
