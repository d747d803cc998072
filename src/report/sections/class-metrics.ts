/** The metrics of each class on the page, as far as it has enough images. */
import { findMetricValue } from '../../spec/metrics.js';
import { details, measured, scrollArea } from '../elements.js';
import { escapeHtml } from '../escape.js';
import { explainMetric, rankOfMetric } from '../explanations.js';
import type { ReportInput } from '../report-input.js';

type Classes = ReportInput['classes'];

/** Empty without values of classes. */
export function classTable({ classes }: ReportInput): string {
  const names = [...new Set(classes.flatMap(({ metrics }) => Object.keys(metrics)))]
    .filter((name) => findMetricValue(name)?.floor)
    .sort((a, b) => rankOfMetric(a) - rankOfMetric(b));
  if (names.length === 0) return '';
  const label = 'Values of each class';
  const head = classes.map((own) => `<th scope="col" class="number">${escapeHtml(own.class)}</th>`);
  const rows = [imagesRow(classes), ...names.map((name) => valueRow(name, classes))];
  const table = `<table class="metrics"><caption class="hidden">${label}</caption><thead><tr><th scope="col">Measure</th>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return details(`${label} (${classes.length})`, scrollArea(label, table));
}

function imagesRow(classes: Classes): string {
  const cells = classes.map(({ images }) => {
    const sets = Object.entries(images).map(([set, count]) => `${count} ${escapeHtml(set)}`);
    return `<td class="number">${sets.join(', ')}</td>`;
  });
  return `<tr><th scope="row">Images</th>${cells.join('')}</tr>`;
}

function valueRow(name: string, classes: Classes): string {
  const known = explainMetric(name);
  const cells = classes.map(({ metrics, intervals }) => {
    const value = metrics[name];
    const text =
      value === undefined
        ? ''
        : measured({ value, interval: intervals[name] ?? null }, known?.digits ?? null);
    return `<td class="number">${text}</td>`;
  });
  return `<tr><th scope="row">${escapeHtml(known?.title ?? name)}<br><code>${escapeHtml(name)}</code></th>${cells.join('')}</tr>`;
}
