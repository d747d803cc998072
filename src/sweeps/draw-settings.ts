/** The settings that the search of a hyperparameter sweep gives. */
import { RandomStream } from '../core/random.js';
import { SpecError } from '../core/errors.js';
import {
  changesOf,
  DEFAULT_SETTING,
  faultsOfSetting,
  type HyperparameterSweepSpec,
  type KeyRange,
  mostRuns,
  type Setting,
  settingId,
  settingLabel,
  type SettingValue,
  settingsOf,
  valueWithin,
} from '../spec/hyperparameter-sweep.js';
import { MAX_RUNS } from '../spec/sweep.js';

/** Faults that are listed; the others are of the same kind. */
const FAULTS_SHOWN = 12;
/** Draws per setting that may repeat earlier ones, where whole numbers or lists give few. */
const TRIES = 20;

/**
 * A spec with the settings of its search, unless it has them.
 *
 * @throws SpecError when a setting cannot be run, or there are too many
 */
export function withDrawnSettings(spec: HyperparameterSweepSpec): HyperparameterSweepSpec {
  if (spec.drawn) return spec;
  requireSize(spec);
  const complete = { ...spec, drawn: spec.search === 'grid' ? grid(spec.keys) : randomSettings(spec) };
  const runs = mostRuns(complete);
  if (runs > MAX_RUNS)
    throw new SpecError({
      what: `the sweep would have ${runs} runs, and a sweep has at most ${MAX_RUNS}`,
      where: 'keys',
      hint: 'Give fewer values or repeats, or "search": "random" with a count.',
    });
  refuseFaulty(complete);
  return complete;
}

/** Before a grid is built: one of ten keys with ten values each would not fit in memory. */
function requireSize({ search, keys }: HyperparameterSweepSpec): void {
  const sizes = Object.values(keys).map((key) => (Array.isArray(key) ? key.length : key.points));
  const settings = sizes.reduce((product, size) => product * size, 1);
  if (search === 'random' || settings <= MAX_RUNS) return;
  throw new SpecError({
    what: `the grid has ${settings} settings (${sizes.join(' x ')}), and a sweep has at most ${MAX_RUNS} runs`,
    where: 'keys',
    hint: 'Give fewer values, or "search": "random" with a count.',
  });
}

/** Single keys have been checked; these are values that do not go together. */
function refuseFaulty(spec: HyperparameterSweepSpec): void {
  const faults = [...settingsOf(spec).values()].flatMap((setting) =>
    faultsOfSetting(spec, setting).map((fault) => `${settingLabel(setting)}: ${fault}`),
  );
  if (faults.length === 0) return;
  const shown = faults.slice(0, FAULTS_SHOWN).map((fault) => `  - ${fault}`);
  const more = faults.length > FAULTS_SHOWN ? `\n  and ${faults.length - FAULTS_SHOWN} more` : '';
  throw new SpecError({
    what: `some settings cannot be run:\n${shown.join('\n')}${more}`,
    where: 'keys',
    hint: 'Leave out values that do not go together.',
  });
}

function grid(keys: HyperparameterSweepSpec['keys']): Setting[] {
  return Object.entries(keys).reduce<Setting[]>(
    (settings, [key, values]) =>
      settings.flatMap((setting) => valuesOf(values).map((value) => ({ ...setting, [key]: value }))),
    [{}],
  );
}

function valuesOf(key: SettingValue[] | KeyRange): SettingValue[] {
  if (Array.isArray(key)) return [...new Set(key)];
  const values = Array.from({ length: key.points }, (_, i) => valueWithin(key, i / (key.points - 1)));
  return [...new Set(values)];
}

/** Each differs from the others and from `run`; fewer where the keys do not give as many. */
function randomSettings(spec: HyperparameterSweepSpec): Setting[] {
  const drawn = new Map<string, Setting>([[DEFAULT_SETTING, {}]]);
  // A longer search begins with the settings of a shorter one.
  const random = new RandomStream(spec.seed, 'hyperparameter-sweep');
  for (let tries = 0; drawn.size <= spec.count && tries < TRIES * spec.count; tries++) {
    const setting = Object.fromEntries(
      Object.entries(spec.keys).map(([key, values]) => [key, drawValue(values, random)]),
    );
    const id = settingId(changesOf(spec.run, setting));
    if (!drawn.has(id)) drawn.set(id, setting);
  }
  return [...drawn.values()].slice(1);
}

function drawValue(key: SettingValue[] | KeyRange, random: RandomStream): SettingValue {
  if (Array.isArray(key)) return key[random.integer(key.length)] as SettingValue;
  return valueWithin(key, random.uniform());
}
