/** Deletes runs whose results no other run uses. */
import { z } from 'zod';
import type { ObjectStore } from '../storage/object-store.js';
import { findJson } from '../storage/json.js';
import { STAGES } from '../spec/pipeline.js';
import { readStoredRun, sizeOf, storedRunIds, usedRuns } from './stored-run.js';

export interface PruneCandidate {
  runId: string;
  bytes: number;
  objects: number;
  /** Runs and sweeps that use its results; it is kept while there are any. */
  usedBy: string[];
}

const recordSchema = z.object({ key: z.string().nullish(), runId: z.string().nullish() });

/**
 * What deleting some runs would free. A run that only runs among them use may go with them.
 *
 * @throws RunError for a run that the store does not have
 */
export async function planPruning(store: ObjectStore, runIds: readonly string[]): Promise<PruneCandidate[]> {
  const users = await usersOfRuns(store);
  const plan: PruneCandidate[] = [];
  for (const runId of runIds) {
    await readStoredRun(store, runId);
    plan.push({
      runId,
      ...(await sizeOf(store, `runs/${runId}/`)),
      usedBy: [...(users.get(runId) ?? [])],
    });
  }
  return settle(plan);
}

/** Repeats until nothing changes: a run that is kept keeps what it uses. */
function settle(plan: PruneCandidate[]): PruneCandidate[] {
  for (;;) {
    const going = new Set(plan.filter(({ usedBy }) => usedBy.length === 0).map(({ runId }) => runId));
    const next = plan.map((one) => ({ ...one, usedBy: one.usedBy.filter((user) => !going.has(user)) }));
    if (next.every(({ usedBy }, i) => usedBy.length === plan[i]?.usedBy.length)) return next;
    plan = next;
  }
}

/** Deletes a run, and first the entries by which later runs would reuse its results. */
export async function deleteRun(store: ObjectStore, runId: string): Promise<void> {
  for (const stage of STAGES) {
    const record = await findJson(store, `runs/${runId}/${stage}.json`, recordSchema);
    if (!record?.key) continue;
    const cached = `cache/${stage}/${record.key}.json`;
    const owner = await findJson(store, cached, recordSchema);
    if (owner?.runId === runId && stage !== 'preprocess') await store.delete(cached);
  }
  // The record of the run goes last: what was interrupted can be repeated.
  const keys: string[] = [];
  for await (const { key } of store.list(`runs/${runId}/`)) keys.push(key);
  for (const key of keys.filter((key) => !key.endsWith('/run.json'))) await store.delete(key);
  await store.delete(`runs/${runId}/run.json`);
}

/** By run: the runs and sweeps that use it. */
async function usersOfRuns(store: ObjectStore): Promise<Map<string, Set<string>>> {
  const users = new Map<string, Set<string>>();
  const add = (used: string, user: string) => {
    const known = users.get(used) ?? new Set();
    users.set(used, known.add(user));
  };
  for (const runId of await storedRunIds(store))
    for (const used of usedRuns(await readStoredRun(store, runId))) add(used, runId);
  for await (const { key } of store.list('sweeps/')) {
    const [, sweepId] = /^sweeps\/([^/]+)\/runs\/[^/]+\.json$/.exec(key) ?? [];
    if (sweepId === undefined) continue;
    const record = await findJson(store, key, z.object({ runId: z.string(), madeBy: z.string() }));
    for (const used of record ? [record.runId, record.madeBy] : []) add(used, `sweep ${sweepId}`);
  }
  return users;
}
