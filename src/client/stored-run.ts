/** Runs as the store has them, for those that Temporal has forgotten. */
import { RunError } from '../core/errors.js';
import type { RunProgress } from '../spec/controls.js';
import { parseSpec } from '../spec/parse.js';
import { type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
import type { PipelineResult } from '../spec/results.js';
import { findRunRecord, findStageRecords } from '../storage/runs.js';
import { continuationOf } from './continuation.js';
import { deploymentStore } from './deployment-store.js';
import { endedRun } from './ended.js';
import { noSuchRun } from './known-run.js';
import type { LiveProgress } from './live-progress.js';

/** The spec of a run as it was recorded; null when the store has no such run. */
export async function recordedSpec(runId: string): Promise<unknown> {
  const store = deploymentStore();
  return store ? ((await findRunRecord(store, runId))?.spec ?? null) : null;
}

/** @throws RunError when the store has no such run either */
export async function storedRun(runId: string): Promise<LiveProgress> {
  const store = deploymentStore();
  const record = store && (await findRunRecord(store, runId));
  if (!record) throw noSuchRun(runId);
  const spec = readable(record.spec);
  const results = await findStageRecords(store, runId);
  const next = await continuationOf(runId);
  const wanted = spec?.stages ?? STAGES;
  const missing = wanted.find((stage) => !results[stage]) ?? null;
  const status = missing === null ? 'completed' : 'unknown';
  const train = results.train?.stage === 'train' ? results.train : null;
  const progress: RunProgress = {
    ...sketch(runId, spec, (stage) => (results[stage] ? 'done' : 'waiting')),
    train: next.checkpoint && {
      workflowId: `${runId}/train`,
      kimg: next.checkpoint.kimg,
      targetKimg: spec?.train.kimg ?? next.checkpoint.kimg,
      lastCheckpoint: next.checkpoint,
      curve: train?.curve ?? [],
      gaps: [],
      resumption: null,
    },
  };
  const ended = endedRun({ status, closedMs: null, stage: missing, cause: null }, next);
  return { ...progress, live: null, status, source: 'store', waiting: null, ended };
}

/** The result of a run that Temporal has forgotten. @throws RunError when a stage is missing */
export async function storedResult(runId: string): Promise<PipelineResult> {
  const { ended, status } = await storedRun(runId);
  if (status !== 'completed')
    throw new RunError({
      what: 'the run has ended without its last stage',
      where: runId,
      hint: ended?.next ?? '',
    });
  const store = deploymentStore();
  const results = store ? await findStageRecords(store, runId) : {};
  return { runId, stages: results as PipelineResult['stages'], reused: [] };
}

/** A spec of another version may have keys that this one does not know. */
function readable(spec: unknown): PipelineSpec | null {
  try {
    return parseSpec(spec);
  } catch {
    return null;
  }
}

/** Progress of a run that does not answer itself. */
export function sketch(
  runId: string,
  spec: PipelineSpec | null,
  stateOf: (stage: Stage) => RunProgress['stages'][Stage],
): RunProgress {
  const stages = STAGES.map((stage) => [
    stage,
    spec?.stages.includes(stage) === false ? 'skipped' : stateOf(stage),
  ]);
  return {
    runId,
    name: spec?.name ?? '',
    state: 'running',
    stages: Object.fromEntries(stages) as RunProgress['stages'],
    done: 0,
    total: 0,
    unit: 'shards',
    attention: null,
    train: null,
  };
}
