/**
 * Renders the report as one self-contained HTML page: nothing is loaded, all input text is escaped.
 */
import { stringify } from 'yaml';
import { escapeHtml } from './escape.js';
import { metricsTable, verdict } from './metrics-table.js';
import type { ReportInput } from './report-input.js';
import { STYLE } from './style.js';

/** The images and curves that the page shows. */
export interface DrawnFigures {
  rows: { name: string | null; real: Uint8Array | null; synthetic: Uint8Array | null }[];
  progression: { kimg: number; png: Uint8Array }[];
  /** SVG documents by metric. */
  curves: { metric: string; svg: string }[];
}

export function renderHtml(input: ReportInput, drawn: DrawnFigures): string {
  const title = `GIST report: ${escapeHtml(input.spec.name)}`;
  const sections = [
    summary(input),
    section('Real and synthetic images', sideBySide(drawn)),
    drawn.progression.length > 0 && section('Training progress', progression(drawn)),
    drawn.curves.length > 0 && section('Metrics during training', curves(drawn)),
    section('Metrics', metricsTable(input)),
    section('Data set', dataSet(input)),
    input.dataset.rejected.length > 0 && section('Rejected images', rejected(input)),
    section('Settings and lineage', lineage(input)),
    section('Next steps', nextSteps(input)),
  ].filter((part) => part !== false);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src \'unsafe-inline\'">',
    `<title>${title}</title><style>${STYLE}</style></head><body><main>`,
    `<header><h1>${title}</h1><p class="muted">Run <code>${escapeHtml(input.runId)}</code>, ${escapeHtml(input.createdAt)}</p></header>`,
    ...sections,
    '</main></body></html>\n',
  ].join('\n');
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}

function image(png: Uint8Array, alt: string): string {
  return `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">`;
}

function summary(input: ReportInput): string {
  const { dataset, synthetic } = input;
  return `<section class="card"><p>A generator was trained on <strong>${dataset.train}</strong> real images of ${dataset.resolution} x ${dataset.resolution} pixels; ${dataset.holdout} more were held out for evaluation. It then generated <strong>${synthetic.images}</strong> synthetic images.</p>${verdict(input)}<p class="muted">Metrics do not replace a review of the images by an expert in the anatomy. This version does not look for copies of single training images: review the synthetic images before you share them.</p></section>`;
}

function sideBySide({ rows }: DrawnFigures): string {
  const cell = (png: Uint8Array | null, alt: string) => (png ? image(png, alt) : '<p class="muted">none</p>');
  return rows
    .map(({ name, real, synthetic }) => {
      const label = name === null ? '' : `<h3>${escapeHtml(name)}</h3>`;
      const of = name ?? 'the data set';
      return `${label}<div class="pair"><figure>${cell(real, `real images of ${of}`)}<figcaption>real</figcaption></figure><figure>${cell(synthetic, `synthetic images of ${of}`)}<figcaption>synthetic</figcaption></figure></div>`;
    })
    .join('');
}

function progression({ progression: steps }: DrawnFigures): string {
  const figures = steps.map(
    ({ kimg, png }) =>
      `<figure>${image(png, `preview at ${kimg} kimg`)}<figcaption>${kimg} kimg</figcaption></figure>`,
  );
  return `<p>Images of the same latents during training (kimg: thousands of real images shown).</p><div class="strip">${figures.join('')}</div>`;
}

function curves({ curves: drawn }: DrawnFigures): string {
  return drawn.map(({ svg }) => `<figure class="curve">${svg}</figure>`).join('');
}

/** Labels, classes, copies and what is left out; warnings first. */
function dataSet({ dataset }: ReportInput): string {
  const { digest, train, holdout, findings } = dataset;
  const warnings = findings.filter(([kind]) => kind === 'warning');
  const rows: [string, string][] = [
    ['digest', digest],
    ['images', `${train} training, ${holdout} holdout`],
    ...findings.filter(([kind]) => kind !== 'warning'),
  ];
  const cells = rows.map(
    ([kind, text]) => `<tr><th scope="row">${escapeHtml(kind.trim())}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  const items = warnings.map(([, text]) => `<li><strong>Warning:</strong> ${escapeHtml(text)}</li>`);
  const list = items.length > 0 ? `<ul>${items.join('')}</ul>` : '';
  const exposure = dataset.exposure ? `<figure class="curve">${dataset.exposure}</figure>` : '';
  return `${list}<div class="scroll"><table><tbody>${cells.join('')}</tbody></table></div>${exposure}`;
}

/** Reasons and counts: a report is passed on, and names of files may be those of patients. */
function rejected({ dataset }: ReportInput): string {
  const counts = new Map<string, number>();
  for (const reason of dataset.rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const items = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `<li>${count}: ${escapeHtml(reason)}</li>`);
  return `<p>${dataset.rejected.length} images could not be read and are not in the data set.
    <code>gist dataset inspect DATASET --source IMAGES</code> names them.</p><ul>${items.join('')}</ul>`;
}

function lineage({ lineage: facts, spec }: ReportInput): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td><code>${escapeHtml(value)}</code></td></tr>`,
  );
  return `<div class="scroll"><table><tbody>${rows.join('')}</tbody></table></div><details><summary>Complete spec, including defaults</summary><pre>${escapeHtml(stringify(spec))}</pre></details>`;
}

function nextSteps({ spec }: ReportInput): string {
  const longer = `<code>gist run SPEC --set train.kimg=${spec.train.kimg * 2}</code>`;
  return `<ul><li>Check for impossible anatomy: joints that do not meet, bent bones, warped borders.</li><li>If the images are blurred, train longer: ${longer}.</li><li>To generate more images with the same generator, increase <code>generate.count</code> and reuse the first two stages of this run with <code>--stages generate,evaluate --from RUN</code>.</li></ul>`;
}
