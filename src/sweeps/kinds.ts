/** The kinds of sweeps: how a spec of each is checked, and what its runs are. */
import type { z } from 'zod';
import { SpecError } from '../core/errors.js';
import {
  type DatasetSizeSweepSpec,
  datasetSizeSweepSchema,
  pointSpec,
  pointsOf,
  runAtPoint,
  type SizePoint,
} from '../spec/dataset-size-sweep.js';
import {
  type HyperparameterSweepSpec,
  hyperparameterSweepSchema,
  runOfSetting,
  type SettingPoint,
  settingPoints,
  settingSpec,
} from '../spec/hyperparameter-sweep.js';
import { parseWith } from '../spec/parse.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import { DATASET_SIZE_SWEEP, HYPERPARAMETER_SWEEP, type RunOfSweep, sweepMetric } from '../spec/sweep.js';
import { withDrawnSettings } from './draw-settings.js';

export interface SweepKind {
  /** Its first runs, in the order in which they start. */
  runsOf: (sweepId: string) => RunOfSweep[];
  /** The spec of the run at a point. */
  settingsOf: (sweepId: string, point: unknown) => PipelineSpec;
  /** Full name of the metric that runs are compared by. */
  metric: string;
  /** Whether finished runs are kept for later sweeps over the same, growing source. */
  isGrowing: boolean;
}

interface Kind {
  schema: z.ZodType<object>;
  /** Completes a spec that the schema has checked. @throws SpecError */
  complete: (spec: object) => object;
  kindOf: (spec: object) => SweepKind;
}

const KINDS: Record<string, Kind> = {
  [DATASET_SIZE_SWEEP]: {
    schema: datasetSizeSweepSchema,
    complete: (spec) => spec,
    kindOf: (spec) => sizeKind(spec as DatasetSizeSweepSpec),
  },
  [HYPERPARAMETER_SWEEP]: {
    schema: hyperparameterSweepSchema,
    complete: (spec) => withDrawnSettings(spec as HyperparameterSweepSpec),
    kindOf: (spec) => settingsKind(spec as HyperparameterSweepSpec),
  },
};

/** A spec of a sweep with all defaults. @throws SpecError that lists all invalid keys */
export function parseSweep(workflow: string, input: unknown): object {
  const { schema, complete } = requiredKind(workflow);
  return complete(parseWith(schema, input));
}

/** @param resolved a spec that {@link parseSweep} has checked */
export function sweepKind(workflow: string, resolved: object): SweepKind {
  return requiredKind(workflow).kindOf(parseSweep(workflow, resolved));
}

/** The workflow that takes a spec, by its keys. */
export function workflowOfSweep(document: object): string {
  return 'keys' in document ? HYPERPARAMETER_SWEEP : DATASET_SIZE_SWEEP;
}

function requiredKind(workflow: string): Kind {
  const kind = KINDS[workflow];
  if (kind) return kind;
  throw new SpecError({
    what: `"${workflow}" is not a kind of sweep`,
    hint: `Kinds: ${Object.keys(KINDS).join(', ')}.`,
  });
}

function sizeKind(spec: DatasetSizeSweepSpec): SweepKind {
  return {
    runsOf: (sweepId) => pointsOf(spec).map((point) => runAtPoint(sweepId, point)),
    settingsOf: (sweepId, point) => pointSpec(sweepId, spec, point as SizePoint),
    metric: sweepMetric(spec) ?? '',
    isGrowing: spec.growing,
  };
}

function settingsKind(spec: HyperparameterSweepSpec): SweepKind {
  return {
    runsOf: (sweepId) => settingPoints(spec).map((point) => runOfSetting(sweepId, point)),
    settingsOf: (_sweepId, point) => settingSpec(spec, point as SettingPoint),
    metric: sweepMetric(spec) ?? '',
    isGrowing: false,
  };
}
