/** A run as the store has it: its spec, results, and the runs that it depends on. */
import { RunError } from '../core/errors.js';
import type { Stage } from '../spec/pipeline.js';
import type { StageResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { findRunRecord, findStageRecords } from '../storage/runs.js';

export interface StoredRun {
  runId: string;
  /** Of this version or an earlier one. */
  spec: Record<string, unknown>;
  stages: Partial<Record<Stage, StageResult>>;
}

/** @throws RunError when the store has no such run */
export async function readStoredRun(store: ObjectStore, runId: string): Promise<StoredRun> {
  const record = await findRunRecord(store, runId);
  if (!record)
    throw new RunError({
      what: `there is no run "${runId}" in the store`,
      hint: '`gist runs list` lists all runs.',
    });
  const spec = (record.spec ?? {}) as Record<string, unknown>;
  return { runId, spec, stages: await findStageRecords(store, runId) };
}

/** Ids of all runs in the store. */
export async function storedRunIds(store: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of store.list('runs/')) {
    const [, runId] = /^runs\/([^/]+)\/run\.json$/.exec(key) ?? [];
    if (runId !== undefined) ids.push(runId);
  }
  return ids;
}

/** Runs whose results a run uses: by `from`, by transfer, and by reuse. */
export function usedRuns({ runId, spec, stages }: StoredRun): string[] {
  const { from, train } = spec as { from?: unknown; train?: { resume?: unknown } };
  const named = [from, train?.resume, ...(from && typeof from === 'object' ? Object.values(from) : [])];
  const texts = [...named, ...Object.values(stages).map((result) => JSON.stringify(result))];
  const used = new Set<string>();
  for (const text of texts) {
    if (typeof text !== 'string') continue;
    for (const [, id] of text.matchAll(/runs\/([^/"\s]+)\//g)) if (id !== undefined) used.add(id);
    if (!/[/"]/.test(text)) used.add(text);
  }
  used.delete(runId);
  return [...used];
}

/** Number of objects and bytes below a prefix. */
export async function sizeOf(
  store: ObjectStore,
  prefix: string,
): Promise<{ objects: number; bytes: number }> {
  const size = { objects: 0, bytes: 0 };
  for await (const { bytes } of store.list(prefix)) {
    size.objects++;
    size.bytes += bytes;
  }
  return size;
}
