/** Public interface of sweeps: their records and their reports. */
import type { DatasetSizeSweepSpec, SizePoint } from '../spec/dataset-size-sweep.js';
import type { HyperparameterSweepSpec, SettingPoint } from '../spec/hyperparameter-sweep.js';
import { HYPERPARAMETER_SWEEP, runName, type SweepRecord } from '../spec/sweep.js';
import type { ObjectStore } from '../storage/object-store.js';
import { sweepKind } from './kinds.js';
import { listSweepRecords, type StoredSweep, sweepPrefix } from './records.js';
import type { MissingRun } from './run-parts.js';
import { writeSettingsReport } from './settings-report.js';
import { writeSizeReport } from './size-report.js';

export { parseSweep, sweepKind, workflowOfSweep } from './kinds.js';
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
  const records = await listSweepRecords(store, sweepId);
  const known = new Set([...records.map(runName), ...reported.map(({ runId }) => runId)]);
  const others = runsOf(sweepId)
    .map(runName)
    .filter((name) => !known.has(name));
  const missing = [...reported, ...others.map((runId) => ({ runId, state: 'not finished' }))];
  const input = { sweepId, metric, missing };
  const prefix = sweepPrefix(sweepId);
  if (workflow === HYPERPARAMETER_SWEEP)
    return writeSettingsReport(store, prefix, {
      ...input,
      spec: spec as HyperparameterSweepSpec,
      records: records as SweepRecord<SettingPoint>[],
    });
  return writeSizeReport(store, prefix, {
    ...input,
    spec: spec as DatasetSizeSweepSpec,
    records: records as SweepRecord<SizePoint>[],
  });
}
