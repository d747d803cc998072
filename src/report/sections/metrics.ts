/** The metrics on the page: each beside that of real images, with its interval and its images. */
import type { DrawnFigures } from '../drawn-figures.js';
import { escapeHtml } from '../../core/escape-html.js';
import { details, list, scrollArea, type Section } from '../elements.js';
import { type Measured, type MetricRow, metricRows, shownMeasure } from '../metric-rows.js';
import type { ReportInput } from '../report-input.js';
import { classTable, fitFigures, stripFigures } from './metric-details.js';

const REST = 'Compared with the training images, and values of one set';

export function metricsSection(input: ReportInput, drawn: Pick<DrawnFigures, 'strips'>): Section {
  const rows = metricRows(input);
  const own = rows.filter(({ isFloor }) => !isFloor);
  const main = own.filter(({ reference }) => reference === 'holdout');
  const rest = own.filter(({ reference }) => reference !== 'holdout');
  const floors = rows.filter(({ isFloor }) => isFloor);
  const parts = [
    main.length > 0
      ? metricsTable('Compared with unseen real images', main)
      : '<p>There are no unseen real images to compare with.</p>',
    folded(REST, rest, main.length === 0),
    folded('Values of real images only', floors),
    classTable(input),
    stripFigures(drawn),
    fitFigures(input),
  ];
  return {
    id: 'metrics',
    title: 'Quality in numbers',
    body: [...(rows.length > 0 ? parts : ['<p>There are no metrics.</p>']), notes(input), counts(input)].join(
      '',
    ),
  };
}

function folded(label: string, rows: readonly MetricRow[], isOpen = false): string {
  if (rows.length === 0) return '';
  const table = metricsTable(label, rows);
  return isOpen ? table : details(label, table);
}

function metricsTable(label: string, rows: readonly MetricRow[]): string {
  const head = ['Measure', 'Synthetic images', 'Two real sets', 'What it says']
    .map((title, i) => `<th scope="col"${i === 1 || i === 2 ? ' class="number"' : ''}>${title}</th>`)
    .join('');
  return scrollArea(
    label,
    `<table class="metrics"><caption>${escapeHtml(label)}</caption><thead><tr>${head}</tr></thead><tbody>${rows.map(tableRow).join('')}</tbody></table>`,
  );
}

function tableRow(row: MetricRow): string {
  const { name, title, text, digits, floor, notes: numbers } = row;
  const marks = numbers.length > 0 ? ` <span class="note">(note ${numbers.join(', ')})</span>` : '';
  const cell = (value: Measured | null) =>
    `<td class="number">${value ? shownMeasure(value, digits) : ''}</td>`;
  return `<tr><th scope="row">${escapeHtml(title)}${marks}<br><code>${escapeHtml(name)}</code><br><span class="muted">${escapeHtml(originOf(row))}</span></th>${cell(row)}${cell(floor)}<td>${escapeHtml(text)}</td></tr>`;
}

function originOf({ images, extractor }: MetricRow): string {
  const counts = images.map(([set, number]) =>
    number === null ? `${set} images` : `${number} ${set} images`,
  );
  return `${counts.join(', ')}; ${extractor ?? 'pixels'}`;
}

function notes({ caveats, extractors }: ReportInput): string {
  const identities = Object.values(extractors).join(', ');
  const general = [
    'Smaller numbers below a value are its 95 % interval, where it has one.',
    'Compare each value with that of two real sets, and only values of equal numbers of images.',
    `Extractors: ${identities || 'none'}. Only inception is the network that defines the FID of the literature.`,
  ];
  const numbered = caveats.length > 0 ? `<h3>Notes</h3>${list(caveats, 'ol')}` : '';
  return `${numbered}<div class="muted">${list(general)}</div>`;
}

function counts({ metrics }: ReportInput): string {
  const sets = Object.entries(metrics).filter(([name]) => name.startsWith('images.'));
  if (sets.length === 0) return '';
  const text = sets.map(([name, value]) => `${name.slice('images.'.length)}: ${value}`).join(', ');
  return `<p class="muted">Images that the values are computed on: ${escapeHtml(text)}.</p>`;
}
