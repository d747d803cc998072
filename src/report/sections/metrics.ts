/** The metrics on the page: each beside that of real images, with its interval and its images. */
import { escapeHtml } from '../escape.js';
import { details, list, measured, scrollArea, type Section } from '../elements.js';
import { type Measured, type MetricRow, metricRows } from '../metric-rows.js';
import type { ReportInput } from '../report-input.js';
import { classTable } from './class-metrics.js';

export function metricsSection(input: ReportInput): Section {
  const rows = metricRows(input);
  const own = rows.filter(({ isFloor }) => !isFloor);
  const main = own.filter(({ reference }) => reference === 'holdout');
  const rest = own.filter(({ reference }) => reference !== 'holdout');
  const floors = rows.filter(({ isFloor }) => isFloor);
  const table = (label: string, shown: readonly MetricRow[]) => metricsTable(label, shown);
  const parts =
    rows.length === 0
      ? ['<p>There are no metrics.</p>']
      : [
          main.length > 0
            ? table('Compared with unseen real images', main)
            : '<p>There are no unseen real images to compare with.</p>',
          rest.length > 0 &&
            (main.length > 0
              ? details(
                  'Compared with the training images, and values of one set',
                  table('Other values', rest),
                )
              : table('Compared with the training images, and values of one set', rest)),
          floors.length > 0 &&
            details('Values of real images only', table('Values of real images only', floors)),
        ].filter((part) => part !== false);
  return {
    id: 'metrics',
    title: 'Quality in numbers',
    body: [...parts, classTable(input), notes(input), counts(input)].join(''),
  };
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
  const cell = (value: Measured | null) => `<td class="number">${value ? measured(value, digits) : ''}</td>`;
  return `<tr><th scope="row">${escapeHtml(title)}${marks}<br><code>${escapeHtml(name)}</code><br><span class="muted">${escapeHtml(originOf(row))}</span></th>${cell(row)}${cell(floor)}<td>${escapeHtml(text)}</td></tr>`;
}

function originOf({ images, extractor }: MetricRow): string {
  const counts = images.map(([set, number]) => `${number ?? 'unknown number of'} ${set} images`);
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
