/** The result of a hyperparameter sweep: table, figure, importance of keys, and answer. */
import { list } from '../report/elements.js';
import {
  DEFAULT_SETTING,
  type HyperparameterSweepSpec,
  rungsOf,
  type Setting,
  type SettingPoint,
  type SettingValue,
  settingLabel,
  valueAt,
} from '../spec/hyperparameter-sweep.js';
import { runName, type SweepRecord } from '../spec/sweep.js';
import { putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type Cell, toCsv } from './csv.js';
import { importanceOfKeys, type KeyImportance, MIN_SETTINGS } from './key-importance.js';
import { page, paragraph, section, svgFigure, tableHtml } from './page.js';
import { parallelCoordinates } from './parallel-coordinates.js';
import {
  findGrid,
  type Grid,
  gridsHtml,
  meanOf,
  type MissingRun,
  missingHtml,
  rasterize,
} from './run-parts.js';
import { answerSettings, type SettingsAnswer, type SettingSummary } from './settings-answer.js';
import { summarize } from './spread.js';

export interface SettingsReportInput {
  sweepId: string;
  spec: HyperparameterSweepSpec;
  /** Full name of the metric that settings are compared by. */
  metric: string;
  records: SweepRecord<SettingPoint>[];
  missing: MissingRun[];
}

/** A setting at one length of the training. */
interface SettingRow extends SettingSummary {
  changes: Setting;
  /** Length of the training; null without halving. */
  kimg: number | null;
  trainingHours: number | null;
}

/** Everything that the page and `sweep.json` say. */
interface Analysis {
  /** By length of the training, the longest first, then by metric. */
  rows: SettingRow[];
  /** Those of full length. */
  finished: SettingRow[];
  answer: SettingsAnswer;
  /** Over the settings of the shortest length, which all have; null: too few. */
  importance: KeyImportance[] | null;
  /** Settings that it rests on. */
  measured: number;
}

const CAVEATS = [
  'The lowest of many values is low by luck too: the comparison with the default allows for the number of settings that were tried.',
  'A distance does not show whether single images have artifacts. Look at the grids.',
];
const PREPROCESS_CAVEAT =
  'Keys of preprocess also change the unseen images that a run is compared with: their effect on the metric is not only one on the generator.';
const GRIDS = 4;

/**
 * Writes `sweep.json`, `sweep.csv`, `figures/` and `report.html`.
 *
 * @returns the key of the page, and the answer in words
 */
export async function writeSettingsReport(
  store: ObjectStore,
  prefix: string,
  input: SettingsReportInput,
): Promise<{ report: string; answer: string }> {
  const analysis = analyze(input);
  const { sweepId, spec, metric, records, missing } = input;
  const { rows, answer, importance } = analysis;
  const keys = Object.keys(spec.keys);
  await putJson(store, `${prefix}sweep.json`, {
    ...{ sweepId, name: spec.name, metric, keys, answer, importance },
    ...{ settings: rows, rungs: rungsOf(spec), missing, records },
  });
  await store.put(`${prefix}sweep.csv`, Buffer.from(csvOf(input)), { contentType: 'text/csv' });
  const figure = figureOf(input, analysis);
  if (figure) {
    const name = `${prefix}figures/settings`;
    await store.put(`${name}.svg`, Buffer.from(figure), { contentType: 'image/svg+xml' });
    await store.put(`${name}.png`, await rasterize(figure), { contentType: 'image/png' });
  }
  const html = render(input, analysis, { figure, grids: await gridsOf(store, input, analysis) });
  const report = `${prefix}report.html`;
  await store.put(report, Buffer.from(html), { contentType: 'text/html; charset=utf-8' });
  return { report, answer: answer.text };
}

function analyze({ spec, metric, records }: SettingsReportInput): Analysis {
  const rungs = spec.halving ? rungsOf(spec) : [null];
  const rows = [...rungs].reverse().flatMap((kimg) => rowsAt(records, metric, kimg));
  const finished = rows.filter(({ kimg }) => kimg === rungs.at(-1));
  const shortest = rows.filter(({ kimg }) => kimg === rungs[0]);
  const keys = Object.keys(spec.keys);
  const measured = shortest.map(({ changes, mean }) => ({ values: allValues(spec, changes), metric: mean }));
  const importance = importanceOfKeys(measured, keys);
  const tried = new Set(rows.filter(({ isDefault }) => !isDefault).map(({ setting }) => setting)).size;
  return {
    ...{ rows, finished, importance, measured: measured.length },
    answer: answerSettings(finished, metric, tried),
  };
}

/** The settings that have a metric at a length of the training, the best first. */
function rowsAt(
  records: readonly SweepRecord<SettingPoint>[],
  metric: string,
  kimg: number | null,
): SettingRow[] {
  const here = records.filter(
    ({ point, metrics }) => point.kimg === kimg && Number.isFinite(metrics[metric]),
  );
  return [...new Set(here.map(({ point }) => point.setting))]
    .map((setting) => {
      const own = here.filter(({ point }) => point.setting === setting);
      const changes = own[0]?.point.values ?? {};
      const seconds = meanOf(own.map(({ trainingSeconds }) => trainingSeconds));
      return {
        ...{ setting, changes, kimg, label: settingLabel(changes), isDefault: setting === DEFAULT_SETTING },
        ...summarize(own.map(({ metrics }) => metrics[metric] as number)),
        trainingHours: seconds === null ? null : seconds / 3600,
      };
    })
    .sort((a, b) => a.mean - b.mean);
}

/** The values of all keys of the sweep: those that a setting leaves out are those of `run`. */
function allValues({ run, keys }: HyperparameterSweepSpec, values: Setting): Record<string, SettingValue> {
  return Object.fromEntries(
    Object.keys(keys).map((key) => [key, key in values ? (values[key] ?? null) : plain(valueAt(run, key))]),
  );
}

/** A value of `run` as one of a setting: others are written as JSON. */
function plain(value: unknown): SettingValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}

/** With halving, all settings at the shortest length, which all have. */
function figureOf({ spec, metric }: SettingsReportInput, { rows, finished }: Analysis): string | null {
  const shortest = spec.halving ? (rungsOf(spec)[0] as number) : null;
  const shown = spec.halving ? rows.filter(({ kimg }) => kimg === shortest) : finished;
  const logarithmic = new Set(
    Object.entries(spec.keys).flatMap(([key, values]) =>
      !Array.isArray(values) && values.scale === 'log' ? [key] : [],
    ),
  );
  const drawn = shown.map(({ label, changes, mean, isDefault }) => ({
    ...{ label, isDefault, metric: mean },
    values: allValues(spec, changes),
  }));
  return parallelCoordinates(drawn, Object.keys(spec.keys), { metric, logarithmic });
}

function csvOf({ spec, records }: SettingsReportInput): string {
  const keys = Object.keys(spec.keys);
  const names = [...new Set(records.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const columns = ['run', 'setting', ...keys, 'repeat', 'kimg', 'best_kimg', 'ended', 'training_seconds'];
  const rows = records.map((record) => {
    const { runId, point, kimg, bestKimg, ended, trainingSeconds, storedBytes, metrics } = record;
    const values = allValues(spec, point.values);
    const cells = keys.map((key): Cell => cellOf(values[key] ?? null));
    return [
      ...[runId, point.setting, ...cells, point.repeat, kimg, bestKimg, ended, trainingSeconds, storedBytes],
      ...names.map((name): Cell => metrics[name] ?? null),
    ];
  });
  return toCsv([...columns, 'stored_bytes', ...names], rows);
}

function cellOf(value: SettingValue): Cell {
  return typeof value === 'boolean' ? String(value) : value;
}

function render(
  input: SettingsReportInput,
  analysis: Analysis,
  { figure, grids }: { figure: string | null; grids: Grid[] },
): string {
  const { sweepId, spec, metric, missing } = input;
  const isPreprocess = Object.keys(spec.keys).some((key) => key.startsWith('preprocess.'));
  const caveats = isPreprocess ? [...CAVEATS, PREPROCESS_CAVEAT] : CAVEATS;
  const sections = [
    section('Is a setting better than the default', `${paragraph(analysis.answer.text)}${list(caveats)}`),
    ...(figure ? [section('Settings and their results', `${svgFigure(figure)}${explainFigure(spec)}`)] : []),
    section('How much each key matters', importanceHtml(analysis)),
    ...(grids.length > 0
      ? [section('Synthetic images by setting', gridsHtml(grids, 'with each setting'))]
      : []),
    section('Settings', settingsTable(spec, metric, analysis)),
    section('Runs', runsTable(input)),
    ...(missing.length > 0 ? [section('Runs without a result', missingHtml(sweepId, missing))] : []),
  ];
  return page(`GIST hyperparameter sweep: ${spec.name}`, `Sweep ${sweepId}`, sections);
}

function explainFigure(spec: HyperparameterSweepSpec): string {
  const lines =
    'Each line is a setting: where it crosses an axis is its value of that key, and at the right its metric, the mean over seeds.';
  if (!spec.halving) return paragraph(lines);
  return paragraph(
    `${lines} All settings are shown after ${rungsOf(spec)[0]} kimg, the length that all have.`,
  );
}

function importanceHtml({ importance, measured }: Analysis): string {
  if (!importance)
    return paragraph(
      `Not determined: ${measured} settings have finished, and fewer than ${MIN_SETTINGS} do not tell the effect of a key from chance.`,
    );
  const rows = importance.map(({ key, share, chance }): Cell[] => [
    key,
    share === null ? 'not determined' : `${Math.round(100 * share)} %`,
    chance === null ? null : chance,
    share === null
      ? 'its values are all equal or all different'
      : chance !== null && chance > 0.05
        ? 'not told from chance'
        : '',
  ]);
  const explanation = `Share of the variance of the ranks of ${measured} settings that the key explains by itself (epsilon squared), and the probability of as much by chance (permutations). Effects of keys together are not in it, so the shares need not add up to 100 %.`;
  return `${tableHtml('importance', ['key', 'share', 'chance', ''], rows)}${paragraph(explanation)}`;
}

function settingsTable(spec: HyperparameterSweepSpec, metric: string, { rows }: Analysis): string {
  const keys = Object.keys(spec.keys);
  const columns = ['setting', ...keys, 'kimg', 'trainings', metric, 'spread', 'training hours'];
  const cells = rows.map((row): Cell[] => {
    const values = allValues(spec, row.changes);
    const length = row.kimg ?? (values['train.kimg'] as number | undefined) ?? spec.run.train.kimg;
    return [
      row.setting,
      ...keys.map((key) => cellOf(values[key] ?? null)),
      ...[length, row.values.length, row.mean, row.spread, row.trainingHours],
    ];
  });
  const note = spec.halving
    ? 'Values of trainings of other lengths are not compared with each other. Settings that stopped early keep their checkpoints: gist retry RUN --set train.kimg=LENGTH continues one.'
    : 'Spread is the standard deviation over seeds.';
  return `${tableHtml('settings', columns, cells)}${paragraph(note)}`;
}

function runsTable({ records, metric }: SettingsReportInput): string {
  const sorted = [...records].sort((a, b) => (runName(a) < runName(b) ? -1 : 1));
  const rows = sorted.map(({ runId, point, metrics, kimg, bestKimg, ended, madeBy }): Cell[] => [
    ...[runId, settingLabel(point.values), point.repeat + 1, metrics[metric] ?? null, kimg, bestKimg],
    madeBy === runId ? ended : `${ended}; trained by ${madeBy}`,
  ]);
  return tableHtml('runs', ['run', 'setting', 'repeat', metric, 'kimg', 'best at kimg', 'ended'], rows);
}

/** Of the default and the best settings: the same seeds in all of them. */
async function gridsOf(
  store: ObjectStore,
  { records }: SettingsReportInput,
  { finished }: Analysis,
): Promise<Grid[]> {
  const base = finished.filter(({ isDefault }) => isDefault);
  const others = finished.filter(({ isDefault }) => !isDefault).slice(0, GRIDS - 1);
  const grids: Grid[] = [];
  for (const { setting, label, kimg } of [...base, ...others]) {
    const own = records.filter(({ point }) => point.setting === setting && point.kimg === kimg);
    const [first] = own.sort((a, b) => a.point.repeat - b.point.repeat);
    const grid = await findGrid(store, first?.grid ?? null, label);
    if (grid) grids.push(grid);
  }
  return grids;
}
