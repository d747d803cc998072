/**
 * A training that is small enough to be repeated many times in a test, and access to its results.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LoadedCheckpoint, trainPrefix } from '../../src/checkpoints/manifest.js';
import { newestVerified } from '../../src/checkpoints/reader.js';
import type { TrainerJob } from '../../src/training/index.js';
import { trainSchema } from '../../src/spec/train.js';
import { FileStore } from '../../src/storage/file-store.js';
import { type ObjectStore, sha256 } from '../../src/storage/index.js';
import { buildTinyDataset } from './tiny-dataset.js';

export interface TinyTraining {
  store: ObjectStore;
  /** A job for a run of that name; the same training for every name. */
  job(runId: string, overrides?: Partial<TrainerJob> & { spec?: Record<string, unknown> }): TrainerJob;
  remove(): Promise<void>;
}

/**
 * 60 steps of batch 4 at 16 px, two classes, a snapshot every 20 steps; checkpoints about every
 * second. In a folder, unless a store is given.
 */
export async function tinyTraining(given?: ObjectStore): Promise<TinyTraining> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gist-training-'));
  const store = given ?? new FileStore(path.join(folder, 'store'));
  const dataset = await buildTinyDataset(store);
  let attempt = 0;
  return {
    store,
    job: (runId, { spec, ...overrides } = {}) => ({
      storeUri: store.uri,
      runId,
      dataset,
      train: trainSchema.parse({
        cfg: 'stylegan2',
        aug: 'none',
        batch: 4,
        kimg: 0.24,
        snapshotKimg: 0.08,
        checkpointMinutes: 0.01,
        cbase: 128,
        cmax: 8,
        mapDepth: 2,
        zDim: 16,
        wDim: 16,
        threads: 2,
        seed: 3,
        mirror: true,
        ...spec,
      }),
      targetKimg: 0.24,
      attempt: ++attempt,
      expected: null,
      ...overrides,
    }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function newest(store: ObjectStore, runId: string): Promise<LoadedCheckpoint> {
  const found = await newestVerified(store, runId, () => undefined);
  if (!found) throw new Error('no checkpoint');
  return found;
}

/** Checksums of all weights and moments of the newest checkpoint. */
export async function weights(store: ObjectStore, runId: string): Promise<Record<string, string>> {
  const { parts } = await newest(store, runId);
  const tensors = Object.entries(parts).filter(([name]) => name.endsWith('.safetensors'));
  return Object.fromEntries(tensors.map(([name, bytes]) => [name, sha256(bytes)]));
}

/** stats.jsonl without what depends on the clock or on memory. */
export async function timelessStats(store: ObjectStore, runId: string): Promise<unknown[]> {
  const text = Buffer.from(await store.get(`${trainPrefix(runId)}stats.jsonl`)).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const record = JSON.parse(line) as Record<string, unknown>;
      return Object.fromEntries(
        Object.entries(record).filter(([name]) => !/^(Timing|Resources|timestamp)/.test(name)),
      );
    });
}
