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
import { checkSweepId, type RunOfSweep } from '../spec/sweep.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withHeartbeats } from './heartbeat.js';
import { hasSearchAttributes } from './search-attributes.js';

/** Names a sweep, and the workflow type that it is of. */
interface SweepName {
  sweepId: string;
  workflow: string;
}

/** A run that has finished, with the metric that runs are compared by. */
type FinishedRun = Omit<RunOfSweep, 'point'> & { value?: number };

function named({ runId, rungKimg }: RunOfSweep): Omit<RunOfSweep, 'point'> {
  return { runId, ...(rungKimg !== undefined && { rungKimg }) };
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
    async findSweepRuns({ runs, ...sweep }: StoredSweep & { runs: RunOfSweep[] }): Promise<FinishedRun[]> {
      const { metric } = sweepKind(sweep.workflow, sweep.spec);
      return withHeartbeats('listing', async ({ onProgress }) => {
        const finished: FinishedRun[] = [];
        for (const [done, run] of runs.entries()) {
          onProgress({ done, total: runs.length, unit: 'runs' });
          const record = await findSweepRecord(store, sweep, run);
          if (record) finished.push({ ...named(run), value: record.metrics[metric] });
        }
        return finished;
      });
    },

    /** Records a run whose stages have finished. */
    async recordSweepRun({ sweepId, ...run }: SweepName & RunOfSweep): Promise<{ value?: number }> {
      const sweep = await required(store, sweepId);
      const { metrics } = await recordSweepRun(store, sweep, { ...named(run), point: run.point });
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
