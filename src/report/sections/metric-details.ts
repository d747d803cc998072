/** What belongs to metrics: values of each class, strips of moved inputs, fits to infinite sets. */
import { fitFigure } from '../../evaluation/fit-figure.js';
import { findMetricValue } from '../../spec/metrics.js';
import type { DrawnFigures } from '../drawn-figures.js';
import { details, figure, scrollArea } from '../elements.js';
import { escapeHtml } from '../../core/escape-html.js';
import { explainMetric, rankOfMetric } from '../explanations.js';
import { shownMeasure } from '../metric-rows.js';
import type { ReportInput } from '../report-input.js';

/** Values of the images of each class, as far as it has enough of them; folded. */
export function classTable({ classes = [] }: ReportInput): string {
  const names = [...new Set(classes.flatMap(({ metrics }) => Object.keys(metrics)))]
    .filter((name) => findMetricValue(name)?.floor)
    .sort((a, b) => rankOfMetric(a) - rankOfMetric(b));
  if (names.length === 0) return '';
  const head = classes.map((own) => `<th scope="col" class="number">${escapeHtml(own.class)}</th>`);
  const counts = classes.map(({ images }) => {
    const sets = Object.entries(images).map(([set, count]) => `${count} ${escapeHtml(set)}`);
    return `<td class="number"><span class="muted">${sets.join('<br>')}</span></td>`;
  });
  const rows = names.map((name) => {
    const { title = name, digits = null } = explainMetric(name) ?? {};
    const cells = classes.map(({ metrics, intervals }) => {
      const value = metrics[name];
      const measure = value === undefined ? null : { value, interval: intervals[name] ?? null };
      return `<td class="number">${measure ? shownMeasure(measure, digits) : ''}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(title)}<br><code>${escapeHtml(name)}</code></th>${cells.join('')}</tr>`;
  });
  const table = `<table><caption>Values of each class</caption><thead><tr><th scope="col">Measure</th>${head.join('')}</tr></thead><tbody><tr><th scope="row">Images</th>${counts.join('')}</tr>${rows.join('')}</tbody></table>`;
  return details('By class', scrollArea('Values of each class', table));
}

/** Images whose input was moved, of the metrics of equivariance. */
export function stripFigures({ strips }: Pick<DrawnFigures, 'strips'>): string {
  const drawn = strips.map(({ metric, picture }) => {
    const title = explainMetric(`${metric}.generator`)?.title ?? metric;
    return figure(
      picture,
      `${title}: synthetic images, the same with a moved input, the images moved themselves, and the difference`,
      `${title}. From left to right: image, image of the moved input, moved image, difference.`,
    );
  });
  return drawn.length > 0 ? `<h3>Moved inputs</h3><div class="extra">${drawn.join('')}</div>` : '';
}

/** The lines to infinitely many images, folded. */
export function fitFigures({ fits = {} }: ReportInput): string {
  const drawn = Object.entries(fits).map(
    ([name, fit]) => `<figure class="drawing">${fitFigure(name, fit)}</figure>`,
  );
  if (drawn.length === 0) return '';
  return details(
    'How the distances for infinitely many images were found',
    `<div class="extra">${drawn.join('')}</div>`,
  );
}
