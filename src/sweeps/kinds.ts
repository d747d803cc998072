/** The kinds of sweeps: how a spec of each is checked, and what its runs are. */
import type { z } from 'zod';
import { SpecError } from '../core/errors.js';
import {
  type DatasetSizeSweepSpec,
  datasetSizeSweepSchema,
  pointRunId,
  pointSpec,
  pointsOf,
  type SizePoint,
  sweepMetric,
} from '../spec/dataset-size-sweep.js';
import { parseWith } from '../spec/parse.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import { DATASET_SIZE_SWEEP } from '../spec/sweep.js';

/** A run of a sweep by its id and its place in the sweep. */
export interface RunOfSweep {
  runId: string;
  point: unknown;
}

export interface SweepKind {
  /** All runs, in the order in which they start. */
  runsOf: (sweepId: string) => RunOfSweep[];
  /** The spec of the run at a point. */
  settingsOf: (sweepId: string, point: unknown) => PipelineSpec;
  /** Full name of the metric that runs are compared by. */
  metric: string;
  /** Whether finished runs are kept for later sweeps over the same, growing source. */
  isGrowing: boolean;
}

const SCHEMAS: Record<string, z.ZodType<object>> = { [DATASET_SIZE_SWEEP]: datasetSizeSweepSchema };

/** A spec of a sweep with all defaults. @throws SpecError that lists all invalid keys */
export function parseSweep(workflow: string, input: unknown): object {
  const schema = SCHEMAS[workflow];
  if (!schema)
    throw new SpecError({
      what: `"${workflow}" is not a kind of sweep`,
      hint: `Kinds: ${Object.keys(SCHEMAS).join(', ')}.`,
    });
  return parseWith(schema, input);
}

/** @param resolved a spec that {@link parseSweep} has checked */
export function sweepKind(workflow: string, resolved: object): SweepKind {
  const spec = parseSweep(workflow, resolved) as DatasetSizeSweepSpec;
  return {
    runsOf: (sweepId) => pointsOf(spec).map((point) => ({ runId: pointRunId(sweepId, point), point })),
    settingsOf: (sweepId, point) => pointSpec(sweepId, spec, point as SizePoint),
    metric: sweepMetric(spec) ?? '',
    isGrowing: spec.growing,
  };
}
