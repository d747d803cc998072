/** The training: its curves, and images of the same random numbers over time. */
import { escapeHtml } from '../../core/escape-html.js';
import type { DrawnFigures } from '../drawn-figures.js';
import { details, figure, list, scrollArea, type Section } from '../elements.js';
import type { ReportInput } from '../report-input.js';

/** null for a run without a training, and without anything to show of it. */
export function trainingSection(input: ReportInput, drawn: DrawnFigures): Section | null {
  const { curve, gaps } = input;
  if (curve.length === 0 && gaps.length === 0 && drawn.progression.length === 0) return null;
  const body = [curves(input, drawn), gapList(input), progression(drawn)].join('');
  return { id: 'training', title: 'Training', body };
}

function curves({ curve, bestKimg }: ReportInput, drawn: DrawnFigures): string {
  if (curve.length === 0) return '<p>No snapshot of the training was measured, so there is no curve.</p>';
  const hasBand = curve.some(({ spread }) => spread !== undefined);
  const best = bestKimg === null ? '' : ` The snapshot at ${bestKimg} kimg made the synthetic set.`;
  const band = hasBand ? ' The band around a line is the standard deviation over random subsets.' : '';
  const few =
    drawn.curves.length === 0 ? '<p>Only one snapshot was measured: one point is no curve.</p>' : '';
  return `<p>Distance of snapshots of the generator to the training images; lower is better.${best}${band} These distances use fewer images than those above, so the numbers differ.</p>${few}${drawn.curves
    .map(({ svg }) => `<figure class="drawing">${svg}</figure>`)
    .join('')}${details('The curves as a table', curveTable(curve))}`;
}

function curveTable(curve: ReportInput['curve']): string {
  const rows = curve.map(
    ({ kimg, metric, value, spread }) =>
      `<tr><td class="number">${kimg}</td><td><code>${escapeHtml(metric)}</code></td><td class="number">${Number(value.toPrecision(5))}</td><td class="number">${spread === undefined ? '' : Number(spread.toPrecision(2))}</td></tr>`,
  );
  return scrollArea(
    'Metrics of snapshots',
    `<table><caption class="hidden">Metrics of snapshots</caption><thead><tr><th scope="col" class="number">kimg</th><th scope="col">metric</th><th scope="col" class="number">value</th><th scope="col" class="number">spread</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

function gapList({ gaps }: ReportInput): string {
  if (gaps.length === 0) return '';
  return `<h3>Snapshots without metrics</h3>${list(gaps.map(({ kimg, reason }) => `${kimg} kimg: ${reason}`))}`;
}

function progression({ progression: steps }: DrawnFigures): string {
  if (steps.length === 0) return '';
  const figures = steps.map(({ kimg, picture }) =>
    figure(picture, `Images of the generator after ${kimg} kimg`, `${kimg} kimg`),
  );
  return `<h3>The same random numbers over time</h3><p>If images stay alike from some point on, more training changes little.</p><div class="strip">${figures.join('')}</div>`;
}
