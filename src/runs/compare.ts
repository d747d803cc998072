/** Runs side by side: settings that differ, metrics with their intervals, curves and grids. */
import { z } from 'zod';
import type { Interval } from '../spec/analyses.js';
import { METRICS, type MetricName } from '../spec/metrics.js';
import type { CurvePoint, EvaluateResult, GenerateResult, TrainResult } from '../spec/results.js';
import { findObject } from '../storage/find-object.js';
import { findJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { list } from '../report/elements.js';
import { page, paragraph, pngFigure, section, strip, svgFigure, tableHtml } from '../sweeps/page.js';
import { curvesSvg } from './curves-figure.js';
import type { StoredRun } from './stored-run.js';

/** A row of a table: a name, and one cell for each run. */
export type Row = [string, ...(string | null)[]];

export interface Comparison {
  runIds: string[];
  /** Keys of the spec whose values differ. */
  settings: Row[];
  metrics: Row[];
  /** What a reader must know. */
  caveats: string[];
}

const intervalsSchema = z.object({
  intervals: z.record(z.string(), z.object({ low: z.number(), high: z.number() })).default({}),
});

export async function compareRuns(store: ObjectStore, runs: readonly StoredRun[]): Promise<Comparison> {
  const evaluations = runs.map(({ stages }) => (stages.evaluate as EvaluateResult | undefined) ?? null);
  const intervals = await Promise.all(
    evaluations.map(async (result) =>
      result
        ? ((await findJson(store, `${result.prefix}metrics.json`, intervalsSchema))?.intervals ?? {})
        : {},
    ),
  );
  const names = [...new Set(evaluations.flatMap((result) => Object.keys(result?.metrics ?? {})))].sort();
  const metrics = names.map(
    (name): Row => [
      name,
      ...evaluations.map((result, i) => valueText(result?.metrics[name], intervals[i]?.[name])),
    ],
  );
  const settings = differences(runs.map(({ spec }) => spec));
  return { runIds: runs.map(({ runId }) => runId), settings, metrics, caveats: caveatsOf(runs, settings) };
}

function valueText(value: number | undefined, interval: Interval | undefined): string | null {
  if (value === undefined) return null;
  const text = short(value);
  return interval ? `${text} (${short(interval.low)} to ${short(interval.high)})` : text;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Leaves of the specs that are not the same in all. */
function differences(specs: readonly Record<string, unknown>[]): Row[] {
  const flat = specs.map((spec) => new Map(leaves(spec)));
  const keys = [...new Set(flat.flatMap((map) => [...map.keys()]))].sort();
  return keys.flatMap((key): Row[] => {
    const values = flat.map((map) => map.get(key) ?? null);
    return new Set(values).size > 1 ? [[key, ...values]] : [];
  });
}

function leaves(value: unknown, path = ''): [string, string][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key));
}

function caveatsOf(runs: readonly StoredRun[], settings: readonly Row[]): string[] {
  const digests = new Set(
    runs.map(
      ({ stages }) => (stages.preprocess as { dataset?: { digest: string } } | undefined)?.dataset?.digest,
    ),
  );
  const caveats: string[] = [];
  if (digests.size > 1)
    caveats.push(
      'The runs have different data sets: distances to other unseen images, or to other numbers of them, do not compare.',
    );
  if (settings.some(([key]) => key === 'generate.count' || key === 'evaluate.maxImages'))
    caveats.push('The metrics are computed on different numbers of images, which they depend on.');
  if (extractorsOf(runs).some((weights) => weights.size > 1))
    caveats.push('The metrics of one name were computed with different weights: they do not compare.');
  if (runs.some(({ stages }) => !stages.evaluate)) caveats.push('Not all runs have been evaluated.');
  caveats.push('One run says little about settings: repeated trainings differ. A sweep shows by how much.');
  return caveats;
}

/** By extractor of features: the weights that the runs used. */
function extractorsOf(runs: readonly StoredRun[]): Set<string>[] {
  const weights = new Map<string, Set<string>>();
  for (const { stages } of runs)
    for (const [name, identity] of Object.entries(
      (stages.evaluate as EvaluateResult | undefined)?.extractors ?? {},
    ))
      weights.set(name, (weights.get(name) ?? new Set()).add(identity));
  return [...weights.values()];
}

/** The comparison as a self-contained HTML page, with curves and the grids of the same seeds. */
export async function comparisonPage(
  store: ObjectStore,
  runs: readonly StoredRun[],
  { runIds, settings, metrics, caveats }: Comparison,
): Promise<string> {
  const curves = curvesOf(runs);
  const figures = await grids(store, runs);
  const columns = ['', ...runIds];
  return page('GIST comparison of runs', runIds.join(', '), [
    section('What to know', list(caveats)),
    section(
      'Settings that differ',
      settings.length > 0
        ? tableHtml('settings that differ', columns, settings)
        : paragraph('None: the runs have the same spec.'),
    ),
    section('Metrics', tableHtml('metrics', columns, metrics)),
    ...curves.map(([metric, svg]) => section(`${metric} during training`, svgFigure(svg))),
    ...(figures.length > 0 ? [section('Synthetic images of the first seeds', strip(figures))] : []),
  ]);
}

function curvesOf(runs: readonly StoredRun[]): [string, string][] {
  const series = runs.map(({ runId, stages }) => ({
    name: runId,
    points: (stages.train as TrainResult | undefined)?.curve ?? [],
  }));
  const metrics = new Set(series.flatMap(({ points }) => points.map(({ metric }) => metric)));
  return [...metrics].flatMap((metric): [string, string][] => {
    const own = series.map(({ name, points }) => ({ name, points: ofMetric(points, metric) }));
    const svg = curvesSvg(own, titleOf(metric));
    return svg ? [[metric, svg]] : [];
  });
}

function ofMetric(points: readonly CurvePoint[], metric: string): CurvePoint[] {
  return points.filter((point) => point.metric === metric);
}

function titleOf(metric: string): string {
  return Object.hasOwn(METRICS, metric) ? `${metric} (${METRICS[metric as MetricName].title})` : metric;
}

async function grids(store: ObjectStore, runs: readonly StoredRun[]): Promise<string[]> {
  const figures = await Promise.all(
    runs.map(async ({ runId, stages }) => {
      const set = stages.generate as GenerateResult | undefined;
      const png = set && (await findObject(store, `${set.prefix}grid.png`));
      return png ? [pngFigure(png, runId)] : [];
    }),
  );
  return figures.flat();
}
