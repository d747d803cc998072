/** Records of runs in the object store: spec, results of the stages, and results for later runs. */
import { z } from 'zod';
import { SpecError } from '../core/errors.js';
import { type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
import type { CheckpointRef, DatasetRef, GenerateResult, StageResult, TrainResult } from '../spec/results.js';
import { checkRunId } from '../spec/run-id.js';
import { contentKey } from './digest.js';
import { findJson, putJson } from './json.js';
import type { ObjectStore } from './object-store.js';

/**
 * Increment the version of a stage if its output for the same input changes; this invalidates the
 * cache.
 */
export const STAGE_VERSIONS: Record<Stage, number> = { preprocess: 2, train: 3, generate: 3, evaluate: 4 };

/** Identifies the output of a stage by the digests of its inputs and its section of the spec. */
export interface StageLookup {
  runId: string;
  stage: Stage;
  inputs: string[];
  settings: unknown;
  /** false: ignore the results of other runs. */
  reuse: boolean;
}

/** Results that `from:` provides for stages that a run does not have. */
export interface FromResults {
  dataset: DatasetRef | null;
  train: Pick<TrainResult, 'checkpoint'> | null;
  synthetic: GenerateResult | null;
}

/**
 * Record of a completed stage. The result was written by this program, so its shape is not checked.
 */
const recordSchema = z.object({ key: z.string().nullable(), result: z.custom<StageResult>() });

/** What updates have changed in a run, for executions that continue it. */
const directiveSchema = z.object({ stop: z.boolean(), targetKimg: z.number() });
export type RecordedDirective = z.output<typeof directiveSchema>;

const datasetSchema = z.object({
  digest: z.string(),
  resolution: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  classes: z.array(z.string()).nullable(),
  images: z.object({ train: z.int(), holdout: z.int() }),
  rejected: z.array(z.unknown()),
});
const checkpointSchema = z.object({ kimg: z.number(), step: z.int() });
const syntheticSchema = z.object({ digest: z.string(), images: z.int() });

/** @throws RunError when the id could be the folder of something else. */
export async function recordRun(store: ObjectStore, runId: string, spec: PipelineSpec): Promise<void> {
  checkRunId(runId);
  await putJson(store, runObject(runId), { runId, spec, stageVersions: STAGE_VERSIONS });
}

/** The record of a run, of this version or another; null when there is no such run. */
export async function findRunRecord(
  store: ObjectStore,
  runId: string,
): Promise<{ runId: string; spec: unknown } | null> {
  return findJson(store, runObject(runId), z.object({ runId: z.string(), spec: z.unknown() }));
}

/** Results of the finished stages of a run. */
export async function findStageRecords(
  store: ObjectStore,
  runId: string,
): Promise<Partial<Record<Stage, StageResult>>> {
  const records = await Promise.all(
    STAGES.map(
      async (stage) => [stage, await findJson(store, stageObject(runId, stage), recordSchema)] as const,
    ),
  );
  return Object.fromEntries(records.flatMap(([stage, record]) => (record ? [[stage, record.result]] : [])));
}

export async function recordDirective(
  store: ObjectStore,
  runId: string,
  directive: RecordedDirective,
): Promise<void> {
  await putJson(store, directiveObject(runId), directive);
}

export function findDirective(store: ObjectStore, runId: string): Promise<RecordedDirective | null> {
  return findJson(store, directiveObject(runId), directiveSchema);
}

export function forgetDirective(store: ObjectStore, runId: string): Promise<void> {
  return store.delete(directiveObject(runId));
}

export async function findStageResult(store: ObjectStore, lookup: StageLookup): Promise<StageResult | null> {
  const own = await findJson(store, stageObject(lookup.runId, lookup.stage), recordSchema);
  if (own?.key === stageKey(lookup)) return own.result;
  if (!lookup.reuse) return null;
  return (await findJson(store, cacheObject(lookup), recordSchema))?.result ?? null;
}

/**
 * @param matchesSpec false if control requests changed the result (training was stopped early or
 * extended). Such a result is recorded for its run, and `from:` finds it, but it is not cached for
 * other runs with the same spec.
 */
export async function recordStageResult(
  store: ObjectStore,
  lookup: StageLookup,
  result: StageResult,
  matchesSpec = true,
): Promise<void> {
  const record = { key: matchesSpec ? stageKey(lookup) : null, runId: lookup.runId, result };
  if (matchesSpec) await putJson(store, cacheObject(lookup), record);
  await putJson(store, stageObject(lookup.runId, lookup.stage), record);
}

/** @throws SpecError if `from:` names a run or an object that does not exist. */
export async function resolveFrom(store: ObjectStore, spec: PipelineSpec): Promise<FromResults> {
  const { from } = spec;
  if (from === null) return { dataset: null, train: null, synthetic: null };
  if (typeof from === 'string') return resultsOfRun(store, from);
  return {
    dataset:
      from.dataset === undefined
        ? null
        : await datasetAt(store, prefixIn(store, from.dataset, 'from.dataset')),
    train:
      from.checkpoint === undefined
        ? null
        : { checkpoint: await checkpointAt(store, prefixIn(store, from.checkpoint, 'from.checkpoint')) },
    synthetic:
      from.synthetic === undefined
        ? null
        : await syntheticAt(store, prefixIn(store, from.synthetic, 'from.synthetic')),
  };
}

async function resultsOfRun(store: ObjectStore, from: string): Promise<FromResults> {
  const runId = from.includes('://')
    ? prefixIn(store, from, 'from')
        .replace(/^runs\//, '')
        .replace(/\/$/, '')
    : from;
  const [run, preprocess, train, generate] = await Promise.all([
    store.head(runObject(runId)),
    ...(['preprocess', 'train', 'generate'] as const).map((stage) =>
      findJson(store, stageObject(runId, stage), recordSchema),
    ),
  ]);
  if (!run) {
    throw new SpecError({
      what: `there is no run "${runId}" in the store`,
      where: 'from',
      hint: '`gist status` lists the existing runs.',
    });
  }
  const result = <S extends Stage>(record: { result: StageResult } | null | undefined, stage: S) =>
    record?.result.stage === stage ? (record.result as Extract<StageResult, { stage: S }>) : null;
  return {
    dataset: result(preprocess, 'preprocess')?.dataset ?? null,
    train: result(train, 'train'),
    synthetic: result(generate, 'generate'),
  };
}

async function datasetAt(store: ObjectStore, prefix: string): Promise<DatasetRef> {
  const manifest = await findJson(store, `${prefix}manifest.json`, datasetSchema);
  if (!manifest) return throwNotFound('from.dataset', `${prefix}manifest.json`);
  return { prefix, ...manifest, rejected: manifest.rejected.length };
}

async function checkpointAt(store: ObjectStore, prefix: string): Promise<CheckpointRef> {
  const manifest = await findJson(store, `${prefix}manifest.json`, checkpointSchema);
  if (!manifest) return throwNotFound('from.checkpoint', `${prefix}manifest.json`);
  return { prefix, ...manifest };
}

async function syntheticAt(store: ObjectStore, prefix: string): Promise<GenerateResult> {
  const manifest = await findJson(store, `${prefix}manifest.json`, syntheticSchema);
  if (!manifest) return throwNotFound('from.synthetic', `${prefix}manifest.json`);
  return { stage: 'generate', prefix, ...manifest };
}

function throwNotFound(where: string, key: string): never {
  throw new SpecError({
    what: `there is no valid manifest at ${key}`,
    where,
    hint: 'Give the folder with the manifest.json of an earlier run.',
  });
}

/** Converts an address to a key prefix in this store. */
function prefixIn(store: ObjectStore, address: string, where: string): string {
  const relative = address.startsWith(store.uri) ? address.slice(store.uri.length) : address;
  if (relative.includes('://')) {
    throw new SpecError({
      what: `"${address}" is outside of this deployment's store ${store.uri}`,
      where,
      hint: 'Copy it to the store first.',
    });
  }
  return relative.endsWith('/') ? relative : `${relative}/`;
}

function runObject(runId: string): string {
  return `runs/${runId}/run.json`;
}

function directiveObject(runId: string): string {
  return `runs/${runId}/directive.json`;
}

function stageObject(runId: string, stage: Stage): string {
  return `runs/${runId}/${stage}.json`;
}

function cacheObject(lookup: StageLookup): string {
  return `cache/${lookup.stage}/${stageKey(lookup)}.json`;
}

function stageKey({ stage, inputs, settings }: StageLookup): string {
  return contentKey(stage, STAGE_VERSIONS[stage], inputs, settings);
}
