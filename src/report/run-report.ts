/** Writes the report of a run: the page, its figures, tables for other programs, the data card. */
import sharp from 'sharp';
import type { OnProgress } from '../core/progress.js';
import { DATA_CARD } from '../generation/data-card.js';
import { putDataCard } from '../generation/stored-card.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { Conclusion } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { collectInput, type Evaluated } from './collect-input.js';
import { conclude } from './conclusion.js';
import { type DrawnFigures, drawFigures } from './drawn-figures.js';
import { renderHtml } from './html.js';
import { metricsCsv } from './tables/csv.js';
import { metricsTex } from './tables/latex.js';

export interface WrittenReport {
  /** Key of the page. */
  key: string;
  conclusion: Conclusion;
}

/**
 * Writes `figures/*`, `metrics.csv`, `metrics.tex` and, last, `report.html` below the prefix; the
 * data card of the synthetic set gets the values of the evaluation.
 */
export async function renderRunReport(
  store: ObjectStore,
  run: EvaluateInput,
  evaluation: Evaluated,
  { prefix, onProgress }: { prefix: string; onProgress?: OnProgress },
): Promise<WrittenReport> {
  const input = await collectInput(store, run, evaluation, { prefix, onProgress });
  const drawn = await drawFigures(input);
  for (const [name, bytes] of await figureFiles(drawn))
    await store.put(`${prefix}figures/${name}.png`, bytes, { contentType: 'image/png' });
  const put = (name: string, text: string, contentType: string) =>
    store.put(`${prefix}${name}`, Buffer.from(text), { contentType: `${contentType}; charset=utf-8` });
  await put('metrics.csv', metricsCsv(input), 'text/csv');
  await put('metrics.tex', metricsTex(input), 'application/x-tex');
  const { metrics, intervals, analyses } = evaluation;
  const card = await putDataCard(store, run.synthetic.prefix, {
    evaluation: { runId: run.runId, metrics, intervals, analyses },
  });
  await put(DATA_CARD, card, 'text/markdown');
  const conclusion = conclude(input);
  await put('report.html', renderHtml(input, drawn, conclusion), 'text/html');
  return { key: `${prefix}report.html`, conclusion };
}

/** The drawings of the page as files; figures of analyses are there already. */
async function figureFiles(drawn: DrawnFigures): Promise<[string, Uint8Array][]> {
  const files: [string, Uint8Array][] = [];
  drawn.rows.forEach(({ real, synthetic }, i) => {
    if (real) files.push([`real-class-${i}`, real.bytes]);
    if (synthetic) files.push([`synthetic-class-${i}`, synthetic.bytes]);
  });
  for (const { kimg, picture } of drawn.progression)
    if (picture) files.push([`progression-${kimg}-kimg`, picture.bytes]);
  for (const { metric, svg } of drawn.curves) files.push([`curve-${metric}`, await rasterized(svg)]);
  if (drawn.map) files.push(['map', await rasterized(drawn.map.all)]);
  return files;
}

function rasterized(svg: string): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: 144 }).flatten({ background: '#ffffff' }).png().toBuffer();
}
