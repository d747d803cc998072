/** A short training on phantoms in a temporary folder, which may be killed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environment } from '../../src/core/environment.js';
import type { DatasetRef } from '../../src/spec/results.js';
import type { TrainSpec } from '../../src/spec/train.js';
import { FileStore } from '../../src/storage/file-store.js';
import { superviseTrainer, type TrainerEvent } from '../../src/training/index.js';
import { phantomSet } from '../phantom-set.js';

/** A data set of phantoms, and what is written beside it. */
export interface Phantoms {
  folder: string;
  store: FileStore;
  dataset: DatasetRef;
}

/** Builds a data set for the time of the work. */
export async function withPhantoms<Result>(
  { images, resolution }: { images: number; resolution: number },
  work: (phantoms: Phantoms) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gist-check-gpu-'));
  try {
    const store = new FileStore(path.join(folder, 'store'));
    const dataset = await phantomSet(store, path.join(folder, 'phantoms'), { images, resolution, seed: 0 });
    return await work({ folder, store, dataset });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface AttemptOptions {
  runId: string;
  train: TrainSpec;
  attempt: number;
  /** The trainer is killed when it reports this step. */
  killAt?: number;
  onKill?: (step: number) => void;
  onEvent?: (event: TrainerEvent) => void;
}

/** Runs one attempt until its end, or until it has been killed. */
export async function runAttempt(
  { store, dataset, folder }: Phantoms,
  { killAt = Number.POSITIVE_INFINITY, onKill, onEvent, ...job }: AttemptOptions,
): Promise<void> {
  let pid = 0;
  let isKilled = false;
  const trained = superviseTrainer(
    { ...job, storeUri: store.uri, dataset, targetKimg: job.train.kimg, expected: null },
    {
      env: { GIST_DATA_CACHE: path.join(folder, 'cache'), CUDA_CACHE_PATH: kernelCache() },
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onEvent: (event) => {
        onEvent?.(event);
        if (isKilled || event.type !== 'progress' || event.step < killAt) return;
        isKilled = true;
        onKill?.(event.step);
        process.kill(pid, 'SIGKILL');
      },
    },
  );
  await trained.catch((error: unknown) => {
    if (!isKilled) throw error;
  });
}

/** The product's: to compile the kernels again would take most of the time of a check. */
function kernelCache(): string {
  return process.env.CUDA_CACHE_PATH ?? path.join(environment.dataCacheFolder(), 'cuda-kernels');
}
