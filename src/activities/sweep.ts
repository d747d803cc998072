/** Bookkeeping of sweeps: their specs, their finished runs, and the report over them. */
import { parseSweep, sweepKind } from '../sweeps/kinds.js';
import {
  findSweep,
  findSweepRecord,
  recordSweep,
  recordSweepRun,
  type StoredSweep,
} from '../sweeps/records.js';
import { type MissingRun, writeSweepReport } from '../sweeps/index.js';
import { RunError } from '../core/errors.js';
import { checkSweepId } from '../spec/sweep.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withHeartbeats } from './heartbeat.js';
import { hasSearchAttributes } from './search-attributes.js';

/** Names a sweep, and the workflow type that it is of. */
interface SweepName {
  sweepId: string;
  workflow: string;
}

/** A run of the sweep by its id and its place in it. */
interface NamedRun {
  runId: string;
  point: unknown;
}

export function createSweepActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * Checks the spec and records it with all defaults.
     *
     * @throws SpecError when it cannot be run
     */
    async resolveSweep({ sweepId, workflow, input }: SweepName & { input: unknown }): Promise<{
      spec: object;
      hasSearchAttributes: boolean;
    }> {
      checkSweepId(sweepId);
      const spec = parseSweep(workflow, input);
      await recordSweep(store, { sweepId, workflow, spec });
      return { spec, hasSearchAttributes: await hasSearchAttributes() };
    },

    /** Records a spec that an update has changed. */
    async recordSweep(sweep: StoredSweep): Promise<void> {
      await recordSweep(store, sweep);
    },

    /** Those of some runs that have finished already, with the metric that they are compared by. */
    async findSweepRuns({
      runs,
      ...sweep
    }: StoredSweep & { runs: NamedRun[] }): Promise<{ runId: string; value?: number }[]> {
      const { metric } = sweepKind(sweep.workflow, sweep.spec);
      return withHeartbeats('listing', async ({ onProgress }) => {
        const finished: { runId: string; value?: number }[] = [];
        for (const [done, run] of runs.entries()) {
          onProgress({ done, total: runs.length, unit: 'runs' });
          const record = await findSweepRecord(store, sweep, run);
          if (record) finished.push({ runId: run.runId, value: record.metrics[metric] });
        }
        return finished;
      });
    },

    /** Records a run whose stages have finished. */
    async recordSweepRun({ sweepId, ...run }: SweepName & NamedRun): Promise<{ value?: number }> {
      const sweep = await required(store, sweepId);
      const { metrics } = await recordSweepRun(store, sweep, { runId: run.runId, point: run.point });
      return { value: metrics[sweepKind(sweep.workflow, sweep.spec).metric] };
    },

    /** Writes the report over the runs that have finished. */
    analyzeSweep({ sweepId, missing }: SweepName & { missing: MissingRun[] }): Promise<{
      report: string;
      answer: string;
    }> {
      return withHeartbeats('computing', async () =>
        writeSweepReport(store, await required(store, sweepId), missing),
      );
    },
  };
}

async function required(store: ObjectStore, sweepId: string): Promise<StoredSweep> {
  const sweep = await findSweep(store, sweepId);
  if (sweep) return sweep;
  throw new RunError({
    what: `the store has no sweep "${sweepId}"`,
    hint: 'Its spec.json was deleted: start the sweep again.',
  });
}

export type SweepActivities = ReturnType<typeof createSweepActivities>;
