/** Public interface of sweeps: their records and their reports. */
import type { DatasetSizeSweepSpec, SizePoint } from '../spec/dataset-size-sweep.js';
import type { SweepRecord } from '../spec/sweep.js';
import type { ObjectStore } from '../storage/object-store.js';
import { sweepKind } from './kinds.js';
import { listSweepRecords, type StoredSweep, sweepPrefix } from './records.js';
import { type MissingRun, writeSizeReport } from './size-report.js';

export { parseSweep, sweepKind } from './kinds.js';
export { findSweep, listSweepRecords, type StoredSweep, sweepPrefix } from './records.js';
export type { MissingRun };

/**
 * Writes the report over the finished runs of a sweep.
 *
 * @param reported runs without a result whose state is known; the others are "not finished"
 */
export async function writeSweepReport(
  store: ObjectStore,
  { sweepId, workflow, spec }: StoredSweep,
  reported: MissingRun[],
): Promise<{ report: string; answer: string }> {
  const { metric, runsOf } = sweepKind(workflow, spec);
  const records = (await listSweepRecords(store, sweepId)) as SweepRecord<SizePoint>[];
  const known = new Set([...records, ...reported].map(({ runId }) => runId));
  const others = runsOf(sweepId).filter(({ runId }) => !known.has(runId));
  const missing = [...reported, ...others.map(({ runId }) => ({ runId, state: 'not finished' }))];
  const input = { sweepId, spec: spec as DatasetSizeSweepSpec, metric, records, missing };
  return writeSizeReport(store, sweepPrefix(sweepId), input);
}
