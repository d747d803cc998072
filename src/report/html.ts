/** The report as one self-contained HTML page: nothing is fetched, every text from outside is escaped. */
import { stringify } from 'yaml';
import { escapeHtml } from './escape.js';
import { EXPLANATIONS, explain } from './explanations.js';
import type { ReportInput } from './report-input.js';
import { STYLE } from './style.js';

/** The figures that the page shows, drawn. */
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
    section('Real beside synthetic', sideBySide(drawn)),
    drawn.progression.length > 0 && section('How the generator learned', progression(drawn)),
    drawn.curves.length > 0 && section('The metric as training went on', curves(drawn)),
    section('The figures', figuresTable(input)),
    input.dataset.rejected.length > 0 && section('Images set aside', rejected(input)),
    section('Settings and lineage', lineage(input)),
    section('What to do next', nextSteps(input)),
  ].filter((part) => part !== false);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src \'unsafe-inline\'">',
    `<title>${title}</title><style>${STYLE}</style></head><body><main>`,
    `<header><h1>${title}</h1><p class="muted">Run <code>${escapeHtml(input.runId)}</code>, ${escapeHtml(input.madeAt)}</p></header>`,
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

function summary({ dataset, synthetic, figures }: ReportInput): string {
  const distance = figures['fd_effnetlite0.holdout'];
  const reference = figures['fd_effnetlite0.train_vs_holdout'];
  const verdict =
    distance !== undefined && reference !== undefined
      ? `<p>Their Fréchet distance to real images that training never saw is <strong>${distance.toFixed(1)}</strong>; two sets of real images differ by ${reference.toFixed(1)}. The nearer the first is to the second, the better.</p>`
      : '';
  return `<section class="card"><p>A generator learned from <strong>${dataset.train}</strong> real images of ${dataset.resolution} x ${dataset.resolution} pixels; ${dataset.holdout} more were kept apart to judge it honestly. It then made <strong>${synthetic.images}</strong> synthetic images.</p>${verdict}<p class="muted">No figure replaces a look at the pictures by somebody who knows the anatomy. This version does not measure whether training images are remembered: look before you share.</p></section>`;
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
  return `<p>The same random inputs after more and more real images were shown (kimg: thousands).</p><div class="strip">${figures.join('')}</div>`;
}

function curves({ curves: drawn }: DrawnFigures): string {
  return drawn.map(({ svg }) => `<figure class="curve">${svg}</figure>`).join('');
}

function figuresTable({ figures }: ReportInput): string {
  const rank = (name: string) => EXPLANATIONS.findIndex(({ prefix }) => name.startsWith(prefix)) >>> 0;
  const rows = Object.entries(figures)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, value]) => {
      const known = explain(name);
      const shown = known ? value.toFixed(known.digits) : String(Number(value.toPrecision(5)));
      return `<tr><th scope="row">${escapeHtml(known?.title ?? name)}<br><code>${escapeHtml(name)}</code></th><td class="number">${shown}</td><td>${escapeHtml(known?.text ?? '')}</td></tr>`;
    });
  const caveat =
    'Fréchet distances on few images come out too high (they shrink as both sets grow): compare only figures of equal numbers of images, and read each against the distance of two real sets. All stand on features of EfficientNet-Lite0, an ImageNet network; they are not the FID of the literature, which stands on Inception-v3.';
  return `<div class="scroll"><table><thead><tr><th>Figure</th><th>Value</th><th>What it says</th></tr></thead><tbody>${rows.join('')}</tbody></table></div><p class="muted">${caveat}</p>`;
}

/** A page is for reading; the data set's manifest has all of them. */
const REJECTED_SHOWN = 100;

function rejected({ dataset }: ReportInput): string {
  const items = dataset.rejected
    .slice(0, REJECTED_SHOWN)
    .map(({ name, reason }) => `<li><code>${escapeHtml(name)}</code>: ${escapeHtml(reason)}</li>`);
  const hidden = dataset.rejected.length - items.length;
  const more =
    hidden > 0 ? `<p class="muted">And ${hidden} more, listed in the data set's manifest.json.</p>` : '';
  return `<p>These could not be read and were left out.</p><ul>${items.join('')}</ul>${more}`;
}

function lineage({ lineage: facts, spec }: ReportInput): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td><code>${escapeHtml(value)}</code></td></tr>`,
  );
  return `<div class="scroll"><table><tbody>${rows.join('')}</tbody></table></div><details><summary>The whole spec, defaults included</summary><pre>${escapeHtml(stringify(spec))}</pre></details>`;
}

function nextSteps({ spec }: ReportInput): string {
  const longer = `<code>gist run SPEC --set train.kimg=${spec.train.kimg * 2}</code>`;
  return `<ul><li>Look for anatomy that cannot be: joints that do not meet, bones that bend, borders that warp.</li><li>Still blurred? Train longer: ${longer}.</li><li>More images of the same generator: raise <code>generate.count</code> and leave the first two stages to this run with <code>--stages generate,evaluate --from RUN</code>.</li></ul>`;
}
