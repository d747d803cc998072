/** The metrics on the page: each beside that of real images, with its images and its extractor. */
import { fitFigure } from '../evaluation/fit-figure.js';
import type { Interval } from '../spec/analyses.js';
import { findMetricValue, type MetricValue } from '../spec/metrics.js';
import { escapeHtml } from './escape.js';
import { explainMetric, rankOfMetric } from './explanations.js';
import type { ReportInput } from './report-input.js';

/** The first distance to unseen images, in words. */
export function verdict({ metrics }: ReportInput): string {
  for (const [name, distance] of byRank(metrics)) {
    const found = findMetricValue(name);
    const floor = found?.floor ? metrics[found.floor] : undefined;
    if (found?.metric.base !== 'fd' || !name.endsWith('.holdout') || floor === undefined) continue;
    return `<p>Their Fréchet distance (${found.metric.extractor}) to real images that were not used in training is <strong>${distance.toFixed(1)}</strong>. The distance between the two sets of real images is ${floor.toFixed(1)}. The closer the first value is to the second, the better.</p>`;
  }
  return '<p>There is no distance to real images that were not used in training: nothing here says how good the images are.</p>';
}

export function metricsTable(input: ReportInput): string {
  const { metrics, caveats, extractors } = input;
  const rows = byRank(metrics).map(([name, value]) => row(name, value, input));
  const identities = Object.values(extractors).join(', ');
  const notes = [
    ...caveats,
    'The intervals (95 %) are those of another choice of images. The bias of distances of few images is not in them.',
    'Compare each value with that of two real sets, and only values of equal numbers of images.',
    `Extractors: ${identities || 'none'}. Only inception is the network that defines the FID of the literature.`,
  ];
  const list = `<ul class="muted">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`;
  return `<div class="scroll"><table><thead><tr><th>Metric</th><th>Value</th><th>Two real sets</th><th>Explanation</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${list}${fitFigures(input)}${strips(input)}${classTable(input)}`;
}

/** The lines to infinitely many images, folded. */
function fitFigures({ fits = {} }: ReportInput): string {
  const drawn = Object.entries(fits).map(([name, fit]) => `<figure>${fitFigure(name, fit)}</figure>`);
  if (drawn.length === 0) return '';
  return `<details><summary>How the distances for infinitely many images were found</summary>${drawn.join('')}</details>`;
}

/** Images whose input was moved, of the metrics of equivariance. */
function strips({ pictures = {} }: ReportInput): string {
  return Object.entries(pictures)
    .map(([name, png]) => {
      const title = escapeHtml(explainMetric(`${name}.generator`)?.title ?? name);
      const data = Buffer.from(png).toString('base64');
      return `<figure><img alt="${title}: synthetic images, the same with a moved input, the images moved themselves, and the difference" src="data:image/png;base64,${data}"><figcaption>${title}. From left to right: image, image of the moved input, moved image, difference.</figcaption></figure>`;
    })
    .join('');
}

/** Values of the images of each class, as far as it has enough of them. */
function classTable({ classes = [] }: ReportInput): string {
  const names = [...new Set(classes.flatMap(({ metrics }) => Object.keys(metrics)))].filter(
    (name) => findMetricValue(name)?.floor,
  );
  if (names.length === 0) return '';
  const ranked = names.sort((a, b) => rankOfMetric(a) - rankOfMetric(b));
  const head = classes.map((own) => `<th>${escapeHtml(own.class)}</th>`).join('');
  const rows = ranked.map((name) => {
    const cells = classes.map(
      ({ metrics, intervals }) =>
        `<td class="number">${shownValue(name, metrics[name], intervals[name])}</td>`,
    );
    return `<tr><th scope="row"><code>${escapeHtml(name)}</code></th>${cells.join('')}</tr>`;
  });
  const counts = classes.map(({ images }) => {
    const sets = Object.entries(images).map(([set, count]) => `${count} ${escapeHtml(set)}`);
    return `<td class="muted">${sets.join(', ')}</td>`;
  });
  return `<h3>By class</h3><div class="scroll"><table><thead><tr><th>Metric</th>${head}</tr></thead><tbody><tr><th scope="row">images</th>${counts.join('')}</tr>${rows.join('')}</tbody></table></div>`;
}

/** A value with its interval; empty if there is none. */
function shownValue(name: string, value: number | undefined, interval: Interval | undefined): string {
  if (value === undefined) return '';
  const known = explainMetric(name);
  const shown = (number: number) =>
    known ? number.toFixed(known.digits) : String(Number(number.toPrecision(5)));
  if (!interval) return shown(value);
  return `${shown(value)}<br><span class="muted">${shown(interval.low)} to ${shown(interval.high)}</span>`;
}

function byRank(metrics: ReportInput['metrics']): [string, number][] {
  return Object.entries(metrics).sort(([a], [b]) => rankOfMetric(a) - rankOfMetric(b) || (a < b ? -1 : 1));
}

function row(name: string, value: number, { metrics, intervals }: ReportInput): string {
  const known = explainMetric(name);
  const found = findMetricValue(name);
  const floor = found?.floor ?? null;
  const real = floor === null ? '' : shownValue(floor, metrics[floor], intervals[floor]);
  const origin = found ? `<br><span class="muted">${escapeHtml(originOf(found, metrics))}</span>` : '';
  return `<tr><th scope="row">${escapeHtml(known?.title ?? name)}<br><code>${escapeHtml(name)}</code>${origin}</th><td class="number">${shownValue(name, value, intervals[name])}</td><td class="number">${real}</td><td>${escapeHtml(known?.text ?? '')}</td></tr>`;
}

function originOf({ metric, sets }: MetricValue, metrics: ReportInput['metrics']): string {
  const counts = sets.map((set) => `${metrics[`images.${set}`] ?? 'unknown number of'} ${set} images`);
  return `${counts.join(', ')}; ${metric.extractor ?? 'pixels'}`;
}
