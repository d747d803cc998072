/** Deletes runs whose results no other run uses. */
import { z } from 'zod';
import { RunError } from '../core/errors.js';
import type { ObjectStore } from '../storage/object-store.js';
import { findJson } from '../storage/json.js';
import { STAGES } from '../spec/pipeline.js';
import { findSweep, listSweepRecords, sweepKind } from '../sweeps/index.js';
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
 * @param sweepId a sweep that goes too, if any
 * @throws RunError for a run that the store does not have
 */
export async function planPruning(
  store: ObjectStore,
  runIds: readonly string[],
  sweepId?: string,
): Promise<PruneCandidate[]> {
  const users = await usersOfRuns(store);
  const plan: PruneCandidate[] = [];
  for (const runId of runIds) {
    await readStoredRun(store, runId);
    plan.push({
      runId,
      ...(await sizeOf(store, `runs/${runId}/`)),
      usedBy: [...(users.get(runId) ?? [])].filter((user) => user !== `sweep ${sweepId}`),
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

export interface SweepDeletion {
  sweepId: string;
  /** Of the sweep without its runs. */
  bytes: number;
  /** Its runs, if they go too; those that others use are kept. */
  runs: PruneCandidate[];
}

/**
 * What deleting a sweep would free.
 *
 * @throws RunError when the store has no such sweep
 */
export async function planDeletion(
  store: ObjectStore,
  sweepId: string,
  withRuns: boolean,
): Promise<SweepDeletion> {
  const { bytes, objects } = await sizeOf(store, `sweeps/${sweepId}/`);
  if (objects === 0)
    throw new RunError({
      what: `the store has no sweep "${sweepId}"`,
      hint: '`gist status` lists all sweeps.',
    });
  if (!withRuns) return { sweepId, bytes, runs: [] };
  const runs = await planPruning(store, await runsOfSweep(store, sweepId), sweepId);
  return { sweepId, bytes, runs };
}

/** Its runs that the store has: those of its spec, and those that were added. */
async function runsOfSweep(store: ObjectStore, sweepId: string): Promise<string[]> {
  const sweep = await findSweep(store, sweepId);
  const planned = sweep ? sweepKind(sweep.workflow, sweep.spec).runsOf(sweepId) : [];
  const own = [...planned, ...(await listSweepRecords(store, sweepId))];
  const stored = new Set(await storedRunIds(store));
  return [...new Set(own.map(({ runId }) => runId))].filter((runId) => stored.has(runId));
}

/** The sweep goes last: what was interrupted can be repeated. */
export async function carryOutDeletion(store: ObjectStore, { sweepId, runs }: SweepDeletion): Promise<void> {
  for (const { runId, usedBy } of runs) if (usedBy.length === 0) await deleteRun(store, runId);
  const keys: string[] = [];
  for await (const { key } of store.list(`sweeps/${sweepId}/`)) keys.push(key);
  for (const key of keys) await store.delete(key);
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
