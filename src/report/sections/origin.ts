/** Where everything comes from: the data set, what was rejected, lineage, settings, next steps. */
import { stringify } from 'yaml';
import type { DrawnFigure, DrawnFigures } from '../drawn-figures.js';
import { details, factTable, figure, foldedList, list, type Section } from '../elements.js';
import { escapeHtml } from '../../core/escape-html.js';
import type { ReportInput } from '../report-input.js';

/** Labels, classes, copies and what is left out; warnings first. */
export function datasetSection({ dataset }: ReportInput, drawn: DrawnFigures): Section {
  const { digest, train, holdout, findings, rejected } = dataset;
  const warnings = findings.filter(([kind]) => kind === 'warning');
  const items = warnings.map(([, text]) => `<li><strong>Warning:</strong> ${escapeHtml(text)}</li>`);
  const rows: [string, string][] = [
    ['digest', digest],
    ['images', `${train} training, ${holdout} holdout`],
    ...findings.filter(([kind]) => kind !== 'warning'),
  ];
  const table = factTable('Data set', rows);
  return {
    id: 'data-set',
    title: 'Data set',
    body: [
      items.length > 0 ? `<ul>${items.join('')}</ul>` : '',
      rows.length > 30 ? details(`Facts (${rows.length})`, table) : table,
      dataset.exposure ? `<figure class="drawing">${dataset.exposure}</figure>` : '',
      gallery(drawn.dataset),
      rejected.length > 0 ? rejectedList(rejected) : '',
    ].join(''),
  };
}

/** Reasons and counts: a report is passed on, and names of files may be those of patients. */
function rejectedList(rejected: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const items = [...counts].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count}: ${reason}`);
  return `<h3>Rejected images</h3><p>${rejected.length} images could not be read and are not in the data set.
    <code>gist dataset inspect DATASET --source IMAGES</code> names them.</p>${foldedList('Reasons', items)}`;
}

/** Figures without an analysis of their own. */
export function figuresSection(figures: readonly DrawnFigure[]): Section | null {
  if (figures.length === 0) return null;
  return { id: 'figures', title: 'More figures', body: gallery(figures) };
}

function gallery(figures: readonly DrawnFigure[]): string {
  if (figures.length === 0) return '';
  const drawn = figures.map(({ title, caption, alt, picture }) =>
    figure(picture, alt, `${title}. ${caption}`),
  );
  return `<div class="extra">${drawn.join('')}</div>`;
}

export function lineageSection({ lineage, spec, synthetic }: ReportInput): Section {
  const settings = details(
    'All settings, including defaults',
    `<pre tabindex="0" role="region" aria-label="All settings">${escapeHtml(stringify(spec))}</pre>`,
  );
  return {
    id: 'lineage',
    title: 'Lineage and settings',
    body: `${factTable('Lineage', lineage, true)}<p>The data card of the synthetic set, <code>${escapeHtml(synthetic.prefix)}DATA-CARD.md</code>, says what it was made from and what it may be used for. Pass it on with the images.</p>${settings}`,
  };
}

export function nextStepsSection({ spec, isTrained, runId }: ReportInput): Section {
  const steps = [
    'Look at the images with someone who knows the anatomy: joints that do not meet, bent bones, warped borders.',
    ...(isTrained
      ? [`If the images are blurred, train longer: gist run SPEC --set train.kimg=${spec.train.kimg * 2}`]
      : []),
    `For more images of the same generator: gist run SPEC --stages generate,evaluate --from ${runId} --set generate.count=N`,
    `The tables of this page for other programs (metrics.csv, metrics.tex, metrics.json) and its figures: gist report ${runId} --out FOLDER`,
  ];
  return { id: 'next', title: 'Next steps', body: list(steps) };
}
