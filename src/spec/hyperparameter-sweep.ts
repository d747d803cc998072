/** The spec of a hyperparameter sweep, the argument of the workflow `hyperparameterSweep`. */
import { z } from 'zod';
import { problemsOf } from './parse.js';
import { type PipelineSpec, pipelineSchema } from './pipeline.js';
import { checkComparable, MAX_RUNS, type RunOfSweep, sweepFields, sweepRunId } from './sweep.js';

/** A value that a key of the spec is given. */
const valueSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export type SettingValue = z.output<typeof valueSchema>;

const rangeSchema = z
  .strictObject({
    min: z.number(),
    max: z.number(),
    scale: z
      .enum(['linear', 'log'])
      .default('linear')
      .describe('log: drawn evenly in the logarithm, for learning rates and weights.'),
    int: z.boolean().default(false).describe('Whole numbers only.'),
    points: z.int().min(2).max(100).default(3).describe('Values of the range in search grid.'),
  })
  .refine(({ min, max }) => min < max, 'needs a min below its max')
  .refine(({ min, scale }) => scale !== 'log' || min > 0, 'with scale log needs a min above 0');
export type KeyRange = z.output<typeof rangeSchema>;

const keyName = z
  .string()
  .regex(/^[a-z]\w*(\.[a-z]\w*)+$/i, 'must be a key of the spec with its section, such as train.gamma');

/** Values by key of the spec, as in `{"train.gamma": 2}`. */
const settingSchema = z.record(keyName, valueSchema);
export type Setting = z.output<typeof settingSchema>;

export const hyperparameterSweepSchema = z
  .strictObject({
    ...sweepFields,
    keys: z
      .record(
        keyName,
        z.union([z.array(valueSchema).min(1, 'needs at least one value').max(100), rangeSchema]),
      )
      .refine((keys) => Object.keys(keys).length > 0, 'needs at least one key')
      .describe('What is varied: keys of run, as in train.gamma, with a list of values or a range.'),
    search: z
      .enum(['grid', 'random'])
      .default('grid')
      .describe('grid: every combination; random: count settings, drawn independently.'),
    count: z.int().min(1).max(MAX_RUNS).default(16).describe('Settings of search random.'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(0)
      .describe('Seed of search random.'),
    settings: z
      .array(settingSchema)
      .max(MAX_RUNS)
      .default([])
      .describe('More settings, as in {"train.gamma": 4}; keys that are left out stay as in run.'),
    repeats: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .describe('Trainings of each setting, which differ in their seed: train.seed of the run, + 1, ...'),
    halving: z
      .strictObject({
        minKimg: z.number().positive().describe('Shortest training, which every setting gets.'),
        factor: z
          .int()
          .min(2)
          .max(10)
          .default(3)
          .describe('The best 1 of this many settings continues, for this many times as long.'),
      })
      .nullable()
      .default(null)
      .describe(
        'Successive halving: poor settings stop early, and their checkpoints are kept; null: all train in full.',
      ),
    drawn: z
      .array(settingSchema)
      .nullable()
      .default(null)
      .describe('Settings that the search has given; written by GIST: leave it out.'),
  })
  .superRefine((spec, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    checkComparable(spec, (path, message) => refuse(path.split('.'), message));
    const { run, keys, halving, settings } = spec;
    for (const [key, values] of Object.entries(keys))
      for (const message of faultsOfKey(run, key, values)) refuse(['keys', key], message);
    for (const [index, setting] of settings.entries())
      for (const message of faultsOfSetting(spec, setting)) refuse(['settings', String(index)], message);
    if (!halving) return;
    if (halving.minKimg >= run.train.kimg)
      refuse(['halving', 'minKimg'], `must be below run.train.kimg (${run.train.kimg})`);
    if (halving.minKimg < run.train.snapshotKimg)
      refuse(['halving', 'minKimg'], `must be at least run.train.snapshotKimg (${run.train.snapshotKimg})`);
    for (const key of ['train.kimg', 'train.snapshotKimg'])
      if (key in keys) refuse(['keys', key], 'must be left out with halving, which sets the length');
  });

export type HyperparameterSweepInput = z.input<typeof hyperparameterSweepSchema>;
export type HyperparameterSweepSpec = z.output<typeof hyperparameterSweepSchema>;

export const addSettingsSchema = z.strictObject({ settings: z.array(settingSchema).min(1).max(100) });
export type AddSettingsInput = z.output<typeof addSettingsSchema>;

/** Keys that all runs must have in common, so that their metrics can be compared; and why. */
const COMMON: readonly [RegExp, string][] = [
  [/^evaluate\./, 'must be the same in all runs: it changes how they are measured'],
  [/^generate\.(count|seed|classes)\b/, 'must be the same in all runs: it changes how they are measured'],
  [/^preprocess\.(source|holdout|splits)\b/, 'must be the same in all runs: it changes the unseen images'],
  [/^preprocess\.limit$/, 'is what `gist sweep dataset-size` varies'],
  [/^train\.seed$/, 'is what repeats vary'],
];

/** A value within a range, from 0 (min) to 1 (max). */
export function valueWithin({ min, max, scale, int }: KeyRange, position: number): number {
  const value = scale === 'log' ? min * (max / min) ** position : min + (max - min) * position;
  // The ends themselves, and digits that can be read.
  const read = position <= 0 ? min : position >= 1 ? max : Number(value.toPrecision(4));
  return int ? Math.round(read) : read;
}

/** What is wrong with a key of `keys`, by its bounds and one value between them, or all values. */
function faultsOfKey(run: PipelineSpec, key: string, values: SettingValue[] | KeyRange): string[] {
  const common = COMMON.find(([pattern]) => pattern.test(key));
  if (common) return [common[1]];
  const tried = Array.isArray(values) ? values : [0, 1, 0.4142].map((at) => valueWithin(values, at));
  const faults = tried.flatMap((value) => faultsAt(withSetting(run, { [key]: value }), key));
  return [...new Set(faults)];
}

/** Faults of a key itself: others may come from keys that are varied with it. */
function faultsAt(spec: unknown, key: string): string[] {
  return problemsOf(pipelineSchema, spec).flatMap((line) =>
    line.startsWith(`${key}:`)
      ? [line.slice(key.length + 1).trim()]
      : line.startsWith(`${key}.`)
        ? [line]
        : [],
  );
}

/** Everything that is wrong with a setting. */
export function faultsOfSetting(
  { run, keys }: Pick<HyperparameterSweepSpec, 'run' | 'keys'>,
  setting: Setting,
): string[] {
  const unknown = Object.keys(setting).filter((key) => !(key in keys));
  if (unknown.length > 0) return [`${unknown.join(', ')}: not among the keys of the sweep`];
  return problemsOf(pipelineSchema, withSetting(run, setting));
}

/** The spec of a run with values at some of its keys. */
export function withSetting(run: PipelineSpec, setting: Setting): PipelineSpec {
  return Object.entries(setting).reduce<object>(
    (spec, [key, value]) => withValue(spec, key.split('.'), value),
    run,
  ) as PipelineSpec;
}

function withValue(target: unknown, [key, ...rest]: string[], value: SettingValue): object {
  const object = target !== null && typeof target === 'object' ? target : {};
  const inner = (object as Record<string, unknown>)[key as string];
  return { ...object, [key as string]: rest.length === 0 ? value : withValue(inner, rest, value) };
}

export function valueAt(run: PipelineSpec, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>(
      (value, part) =>
        value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[part] : undefined,
      run,
    );
}

/** One run of the sweep. */
export interface SettingPoint {
  /** Id of the setting; {@link DEFAULT_SETTING} for that of `run`. */
  setting: string;
  /** What differs from `run`. */
  values: Setting;
  /** From 0. */
  repeat: number;
  /** Length of the training at which it is compared, with halving; null: that of its spec. */
  kimg: number | null;
}

/** The spec of `run` as it is, which all settings are compared with. */
export const DEFAULT_SETTING = 'default';

/** All settings by their ids, the default first; each once, without values that `run` has too. */
export function settingsOf({
  run,
  drawn,
  settings,
}: Pick<HyperparameterSweepSpec, 'run' | 'drawn' | 'settings'>): Map<string, Setting> {
  const known = new Map<string, Setting>();
  for (const setting of [{}, ...(drawn ?? []), ...settings]) {
    const values = changesOf(run, setting);
    const id = settingId(values);
    if (!known.has(id)) known.set(id, values);
  }
  return known;
}

/** What a setting changes in the spec of `run`. */
export function changesOf(run: PipelineSpec, setting: Setting): Setting {
  return Object.fromEntries(Object.entries(setting).filter(([key, value]) => valueAt(run, key) !== value));
}

/** The same for the same values, whatever other settings the sweep has. */
export function settingId(values: Setting): string {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return DEFAULT_SETTING;
  // FNV-1a of 64 bits (Fowler, Noll and Vo 1991): workflows have no cryptographic hash.
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(entries)))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0').slice(0, 10);
}

/** Lengths of the training at which settings are compared, ascending; the last is that of `run`. */
export function rungsOf({ run, halving }: Pick<HyperparameterSweepSpec, 'run' | 'halving'>): number[] {
  const { kimg, snapshotKimg } = run.train;
  if (!halving) return [kimg];
  const rungs = [kimg];
  for (let length = kimg / halving.factor; length >= halving.minKimg; length /= halving.factor)
    // At a snapshot, so that it is evaluated.
    rungs.unshift(Math.min(rungs[0] as number, Math.ceil(length / snapshotKimg) * snapshotKimg));
  return [...new Set(rungs)];
}

/** The first runs of some settings, in the order in which they start. */
export function settingPoints(
  spec: HyperparameterSweepSpec,
  settings: ReadonlyMap<string, Setting> = settingsOf(spec),
): SettingPoint[] {
  const kimg = spec.halving ? (rungsOf(spec)[0] as number) : null;
  const repeats = Array.from({ length: spec.repeats }, (_, repeat) => repeat);
  const points = [...settings].flatMap(([setting, values]) =>
    repeats.map((repeat) => ({ setting, values, repeat, kimg })),
  );
  // With halving a setting is promoted once its repeats have ended; else early results cover all.
  return spec.halving ? points : points.sort((a, b) => a.repeat - b.repeat);
}

/** At most so many runs, with all that may be promoted. */
export function mostRuns(spec: HyperparameterSweepSpec, settings = settingsOf(spec).size): number {
  const { halving, repeats } = spec;
  if (!halving) return settings * repeats;
  const shares = rungsOf(spec).map((_, rung) => Math.ceil(settings / halving.factor ** rung) + 1);
  return repeats * (shares.reduce((sum, share) => sum + share, 0) - 1);
}

/** The run `<sweep>-<setting>-<repeat>`, which is continued under this id when it is promoted. */
export function runOfSetting(sweepId: string, point: SettingPoint): RunOfSweep<SettingPoint> {
  const { setting, repeat, kimg } = point;
  const runId = sweepRunId(sweepId, setting, repeat);
  return { runId, point, ...(kimg !== null && { rungKimg: kimg }) };
}

/** The spec of one run. */
export function settingSpec(
  { run }: HyperparameterSweepSpec,
  { values, repeat, kimg }: SettingPoint,
): PipelineSpec {
  const spec = withSetting(run, values);
  const train = { ...spec.train, seed: spec.train.seed + repeat, kimg: kimg ?? spec.train.kimg };
  return { ...spec, train };
}

export function settingLabel(values: Setting): string {
  const parts = Object.entries(values).map(([key, value]) => `${key} = ${value}`);
  return parts.length > 0 ? parts.join(', ') : 'the default';
}
