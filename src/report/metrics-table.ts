/** The metrics on the page: each beside that of real images, with its images and its extractor. */
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

export function metricsTable({ metrics, caveats, extractors }: ReportInput): string {
  const rows = byRank(metrics).map(([name, value]) => row(name, value, metrics));
  const identities = Object.values(extractors).join(', ');
  const notes = [
    ...caveats,
    'Compare each value with that of two real sets, and only values of equal numbers of images.',
    `Extractors: ${identities || 'none'}. Only inception is the network that defines the FID of the literature.`,
  ];
  const list = `<ul class="muted">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`;
  return `<div class="scroll"><table><thead><tr><th>Metric</th><th>Value</th><th>Two real sets</th><th>Explanation</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${list}`;
}

function byRank(metrics: ReportInput['metrics']): [string, number][] {
  return Object.entries(metrics).sort(([a], [b]) => rankOfMetric(a) - rankOfMetric(b) || (a < b ? -1 : 1));
}

function row(name: string, value: number, metrics: ReportInput['metrics']): string {
  const known = explainMetric(name);
  const found = findMetricValue(name);
  const shown = (number: number) =>
    known ? number.toFixed(known.digits) : String(Number(number.toPrecision(5)));
  const floor = found?.floor ? metrics[found.floor] : undefined;
  const origin = found ? `<br><span class="muted">${escapeHtml(originOf(found, metrics))}</span>` : '';
  return `<tr><th scope="row">${escapeHtml(known?.title ?? name)}<br><code>${escapeHtml(name)}</code>${origin}</th><td class="number">${shown(value)}</td><td class="number">${floor === undefined ? '' : shown(floor)}</td><td>${escapeHtml(known?.text ?? '')}</td></tr>`;
}

function originOf({ metric, sets }: MetricValue, metrics: ReportInput['metrics']): string {
  const counts = sets.map((set) => `${metrics[`images.${set}`] ?? 'unknown number of'} ${set} images`);
  return `${counts.join(', ')}; ${metric.extractor ?? 'pixels'}`;
}
