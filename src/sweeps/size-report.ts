/** The result of a sweep over sizes: analysis, table, figure and page, from its finished runs. */
import type { DatasetSizeSweepSpec, SizePoint } from '../spec/dataset-size-sweep.js';
import { pointLabel } from '../spec/dataset-size-sweep.js';
import type { SweepRecord } from '../spec/sweep.js';
import { putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type Cell, toCsv } from './csv.js';
import { list } from '../report/elements.js';
import { page, paragraph, section, svgFigure, tableHtml } from './page.js';
import {
  findGrid,
  type Grid,
  gridsHtml,
  meanOf,
  type MissingRun,
  missingHtml,
  rasterize,
} from './run-parts.js';
import { answerSizes, type SizeAnswer, type SizeSummary, STEP, summarizeSizes } from './size-answer.js';
import { type SizeSeries, sizeFigure } from './size-figure.js';

export interface SizeReportInput {
  sweepId: string;
  spec: DatasetSizeSweepSpec;
  /** Full name of the metric that sizes are compared by. */
  metric: string;
  records: SweepRecord<SizePoint>[];
  missing: MissingRun[];
}

/** What a mode needs and costs by size. */
interface SizeRow {
  mode: string;
  size: number;
  runs: number;
  mean: number;
  spread: number | null;
  kimg: number;
  trainingHours: number | null;
  storedGigabytes: number | null;
  /** Means of the values of artifacts, by full name. */
  artifacts: Record<string, number>;
}

/** Values of the evaluation that count artifacts. */
const ARTIFACTS = 'artifacts.';
const CAVEATS = [
  'A distance does not show whether single images have artifacts: generators of few images may reach a low one and still draw impossible anatomy. Look at the grids of each size.',
  'All sizes are compared with the same unseen images. The curve describes this source, these settings and this length of training.',
];
const TRANSFER_CAVEAT =
  'The model that transfers continue from may have seen more images than the size says: their curve tells how many images adapt a model, not how many train one.';

/**
 * Writes `sweep.json`, `sweep.csv`, `figures/` and `report.html`.
 *
 * @returns the key of the page, and the answer in words
 */
export async function writeSizeReport(
  store: ObjectStore,
  prefix: string,
  input: SizeReportInput,
): Promise<{ report: string; answer: string }> {
  const records = [...input.records].sort((a, b) => comparePoints(a.point, b.point));
  const series = seriesOf(input.spec, records, input.metric);
  const answer = series.map(({ mode, answer: { text } }) => (series.length > 1 ? `${mode}: ${text}` : text));
  const rows = series.flatMap((one) => rowsOf(one, records));
  const figure = sizeFigure(series, input.metric);
  const summary = { ...summaryOf(input, series, rows), records };
  await putJson(store, `${prefix}sweep.json`, summary);
  await store.put(`${prefix}sweep.csv`, Buffer.from(csvOf(records)), { contentType: 'text/csv' });
  if (figure)
    await store.put(`${prefix}figures/metric-by-size.png`, await rasterize(figure), {
      contentType: 'image/png',
    });
  const html = await render(store, { ...input, records }, { series, rows, figure });
  const report = `${prefix}report.html`;
  await store.put(report, Buffer.from(html), { contentType: 'text/html; charset=utf-8' });
  return { report, answer: answer.join('\n') };
}

function comparePoints(a: SizePoint, b: SizePoint): number {
  return a.mode.localeCompare(b.mode) || a.size - b.size || a.repeat - b.repeat;
}

function seriesOf(
  { modes, worthwhile }: DatasetSizeSweepSpec,
  records: readonly SweepRecord<SizePoint>[],
  metric: string,
): SizeSeries[] {
  return modes.map((mode) => {
    const observations = records.flatMap(({ point, metrics }) => {
      const value = metrics[metric];
      return point.mode === mode && Number.isFinite(value)
        ? [{ size: point.size, value: value as number }]
        : [];
    });
    const answer = answerSizes(observations, metric, worthwhile);
    return { mode, sizes: summarizeSizes(observations), answer };
  });
}

function rowsOf({ mode, sizes }: SizeSeries, records: readonly SweepRecord<SizePoint>[]): SizeRow[] {
  return sizes.map(({ size, values, mean, spread }: SizeSummary) => {
    const own = records.filter(({ point }) => point.mode === mode && point.size === size);
    const seconds = meanOf(own.map(({ trainingSeconds }) => trainingSeconds));
    const bytes = meanOf(own.map(({ storedBytes }) => storedBytes));
    return {
      mode,
      size,
      runs: values.length,
      mean,
      spread,
      kimg: meanOf(own.map(({ kimg }) => kimg)) ?? 0,
      trainingHours: seconds === null ? null : seconds / 3600,
      storedGigabytes: bytes === null ? null : bytes / 1e9,
      artifacts: artifactsOf(own),
    };
  });
}

function artifactsOf(records: readonly SweepRecord[]): Record<string, number> {
  const names = new Set(
    records.flatMap(({ metrics }) => Object.keys(metrics).filter((name) => name.startsWith(ARTIFACTS))),
  );
  return Object.fromEntries(
    [...names].map((name) => [name, meanOf(records.map(({ metrics }) => metrics[name] ?? null)) ?? 0]),
  );
}

function summaryOf(input: SizeReportInput, series: readonly SizeSeries[], rows: readonly SizeRow[]) {
  const { sweepId, spec, metric, missing } = input;
  const answers = series.map(({ mode, answer }) => ({ mode, ...withoutResamples(answer) }));
  return { sweepId, name: spec.name, metric, step: STEP, answers, sizes: rows, missing };
}

function withoutResamples({ fit, ...answer }: SizeAnswer) {
  return { ...answer, fit: fit && { a: fit.a, b: fit.b, c: fit.c } };
}

/** One line for each run, with all metrics of its evaluation. */
function csvOf(records: readonly SweepRecord<SizePoint>[]): string {
  const names = [...new Set(records.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const columns = ['run', 'mode', 'size', 'repeat', 'kimg', 'best_kimg', 'ended', 'training_seconds'];
  const rows = records.map(
    ({ runId, point, kimg, bestKimg, ended, trainingSeconds, storedBytes, metrics }) => [
      ...[runId, point.mode, point.size, point.repeat, kimg, bestKimg, ended, trainingSeconds, storedBytes],
      ...names.map((name): Cell => metrics[name] ?? null),
    ],
  );
  return toCsv([...columns, 'stored_bytes', ...names], rows);
}

async function render(
  store: ObjectStore,
  { sweepId, spec, metric, records, missing }: SizeReportInput,
  { series, rows, figure }: { series: SizeSeries[]; rows: SizeRow[]; figure: string | null },
): Promise<string> {
  const caveats = spec.modes.includes('transfer') ? [...CAVEATS, TRANSFER_CAVEAT] : CAVEATS;
  const answers = series.map(({ mode, answer }) =>
    paragraph(series.length > 1 ? `${mode}: ${answer.text}` : answer.text),
  );
  const grids = await gridsOf(store, records);
  const sections = [
    section('How much data is enough', `${answers.join('')}${list(caveats)}`),
    ...(figure
      ? [section(`${metric} by number of images`, `${svgFigure(figure)}${explainFigure(series)}`)]
      : []),
    ...(grids.length > 0 ? [section('Synthetic images by size', gridsHtml(grids, 'at each size'))] : []),
    section('Results and cost by size', costTable(rows)),
    section('Runs', runsTable(records, metric)),
    ...(missing.length > 0 ? [section('Runs without a result', missingHtml(sweepId, missing))] : []),
  ];
  return page(`GIST data-set-size sweep: ${spec.name}`, `Sweep ${sweepId}`, sections);
}

function explainFigure(series: readonly SizeSeries[]): string {
  const runs = 'Dots: single trainings. Bars: mean and standard deviation of a size.';
  const isFitted = series.some(({ answer }) => answer.fit !== null);
  const curve =
    'Line: fitted power law a n^-b + c; shaded: its 95 % band, which is cut off at the frame. Dashed: from here on more images buy less than is worthwhile.';
  return paragraph(isFitted ? `${runs} ${curve}` : runs);
}

function costTable(rows: readonly SizeRow[]): string {
  const artifacts = [...new Set(rows.flatMap((row) => Object.keys(row.artifacts)))].sort();
  const columns = ['images', 'mode', 'trainings', 'mean', 'spread', 'kimg', 'training hours', 'GB stored'];
  const cells = rows.map((row): Cell[] => [
    ...[String(row.size), row.mode, row.runs, row.mean, row.spread, row.kimg],
    ...[row.trainingHours, row.storedGigabytes],
    ...artifacts.map((name) => row.artifacts[name] ?? null),
  ]);
  return `${tableHtml('cost by size', [...columns, ...artifacts], cells)}${paragraph('Hours and gigabytes are means for one run; results that were reused count as when they were made.')}`;
}

function runsTable(records: readonly SweepRecord<SizePoint>[], metric: string): string {
  const rows = records.map(({ runId, point, metrics, kimg, bestKimg, ended, madeBy }): Cell[] => [
    ...[runId, pointLabel(point), metrics[metric] ?? null, kimg, bestKimg],
    madeBy === runId ? ended : `${ended}; trained by ${madeBy}`,
  ]);
  return tableHtml('runs', ['run', 'what', metric, 'kimg', 'best at kimg', 'training ended'], rows);
}

/** The grid of the first repeat of each size: the same seeds in all of them. */
async function gridsOf(store: ObjectStore, records: readonly SweepRecord<SizePoint>[]): Promise<Grid[]> {
  const grids: Grid[] = [];
  const shown = new Set<string>();
  for (const { point, grid } of records) {
    const caption = `${point.size} images${point.mode === 'transfer' ? ', transfer' : ''}`;
    const found = shown.has(caption) ? null : await findGrid(store, grid, caption);
    if (!found) continue;
    shown.add(caption);
    grids.push(found);
  }
  return grids;
}
