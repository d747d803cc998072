/** What the store keeps of a sweep: its spec, and a record of each finished run. */
import { z } from 'zod';
import { type CheckpointManifest, findManifest } from '../checkpoints/index.js';
import { CheckpointError, StoreError } from '../core/errors.js';
import type { EvaluateResult, GenerateResult, PreprocessResult, TrainResult } from '../spec/results.js';
import { type RunOfSweep, runName, type SweepRecord } from '../spec/sweep.js';
import { checkRunId } from '../spec/run-id.js';
import { contentKey } from '../storage/digest.js';
import { findJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { findStageRecords, STAGE_VERSIONS } from '../storage/runs.js';
import { sweepKind } from './kinds.js';

const sweepSchema = z.object({ sweepId: z.string(), workflow: z.string(), spec: z.custom<object>() });
/** Written by this program, so its shape is not checked. */
const recordSchema = z.custom<SweepRecord>((value) => typeof value === 'object' && value !== null);

export type StoredSweep = z.output<typeof sweepSchema>;

export const sweepPrefix = (sweepId: string) => `sweeps/${sweepId}/`;
const specObject = (sweepId: string) => `${sweepPrefix(sweepId)}spec.json`;
const runsPrefix = (sweepId: string) => `${sweepPrefix(sweepId)}runs/`;
const recordObject = (sweepId: string, run: RunOfSweep) => `${runsPrefix(sweepId)}${runName(run)}.json`;

export async function recordSweep(store: ObjectStore, sweep: StoredSweep): Promise<void> {
  checkRunId(sweep.sweepId);
  await putJson(store, specObject(sweep.sweepId), sweep);
}

/** null when there is no such sweep. */
export function findSweep(store: ObjectStore, sweepId: string): Promise<StoredSweep | null> {
  return findJson(store, specObject(sweepId), sweepSchema);
}

/** Records of all finished runs of a sweep. */
export async function listSweepRecords(store: ObjectStore, sweepId: string): Promise<SweepRecord[]> {
  const records: SweepRecord[] = [];
  for await (const { key } of store.list(runsPrefix(sweepId))) {
    const record = await findJson(store, key, recordSchema);
    if (record) records.push(record);
  }
  return records;
}

/**
 * The record of a run that this sweep has finished, or, if its source grows, an earlier sweep with
 * the same settings; null: it must run.
 */
export async function findSweepRecord(
  store: ObjectStore,
  sweep: StoredSweep,
  run: RunOfSweep,
): Promise<SweepRecord | null> {
  const own = await findJson(store, recordObject(sweep.sweepId, run), recordSchema);
  const key = keptObject(sweep, run);
  if (own || key === null) return own;
  const kept = await findJson(store, key, recordSchema);
  if (!kept) return null;
  const record = { ...kept, ...run };
  await putJson(store, recordObject(sweep.sweepId, run), record);
  return record;
}

/** Records a run whose stages have finished. @throws StoreError when a result is missing */
export async function recordSweepRun(
  store: ObjectStore,
  sweep: StoredSweep,
  run: RunOfSweep,
): Promise<SweepRecord> {
  const record = await readRun(store, run);
  await putJson(store, recordObject(sweep.sweepId, run), record);
  const kept = keptObject(sweep, run);
  if (kept !== null) await putJson(store, kept, record);
  return record;
}

/** Where a run is kept for later sweeps over the same growing source; null: it is not. */
function keptObject({ sweepId, workflow, spec }: StoredSweep, { point }: RunOfSweep): string | null {
  const { settingsOf, isGrowing } = sweepKind(workflow, spec);
  if (!isGrowing) return null;
  const { name: _name, cache: _cache, $schema: _schema, ...settings } = settingsOf(sweepId, point);
  return `cache/sweep-run/${contentKey('sweep-run', 1, [JSON.stringify(STAGE_VERSIONS)], settings)}.json`;
}

async function readRun(store: ObjectStore, run: RunOfSweep): Promise<SweepRecord> {
  const { runId } = run;
  const stages = await findStageRecords(store, runId);
  const preprocess = required(stages.preprocess, runId) as PreprocessResult;
  const train = required(stages.train, runId) as TrainResult;
  const generate = required(stages.generate, runId) as GenerateResult;
  const evaluate = required(stages.evaluate, runId) as EvaluateResult;
  const manifest = await findManifest(store, train.last.prefix).catch(nullIfDamaged);
  const synthetic = await findJson(store, `${generate.prefix}manifest.json`, z.object({ grid: z.string() }));
  return {
    ...run,
    madeBy: runOf(train.last.prefix) ?? runId,
    metrics: evaluate.metrics,
    images: preprocess.dataset.images,
    kimg: train.last.kimg,
    bestKimg: train.checkpoint.kimg,
    ended: train.ended,
    trainingSeconds: secondsOf(manifest),
    storedBytes: await storedBytes(store, train.last.prefix, generate.prefix),
    grid: synthetic ? `${generate.prefix}${synthetic.grid}` : null,
    report: evaluate.report,
  };
}

/** A store that does not answer now is asked again: the record is made once. */
function nullIfDamaged(error: unknown): null {
  if (error instanceof CheckpointError) return null;
  throw error;
}

function required<T>(result: T | undefined, runId: string): T {
  if (result) return result;
  throw new StoreError({
    what: 'the result of a finished stage is missing',
    where: `runs/${runId}/`,
    hint: `\`gist retry ${runId}\` makes it again.`,
  });
}

/** The run that a checkpoint belongs to. */
function runOf(prefix: string): string | null {
  return /^runs\/([^/]+)\//.exec(prefix)?.[1] ?? null;
}

function secondsOf(manifest: CheckpointManifest | null): number | null {
  return manifest?.counters.seconds ?? null;
}

/** Bytes of the training's folder and of the synthetic set. */
export async function storedBytes(
  store: ObjectStore,
  checkpoint: string,
  synthetic: string,
): Promise<number> {
  let total = 0;
  for (const prefix of [checkpoint.replace(/checkpoint-[^/]+\/$/, ''), synthetic])
    for await (const { bytes } of store.list(prefix)) total += bytes;
  return total;
}
