/** Renders the report as one self-contained HTML page, which loads and runs nothing. */
import { inOrder } from '../spec/analyses.js';
import type { Conclusion } from '../spec/results.js';
import type { DrawnFigures } from './drawn-figures.js';
import { renderSection, type Section } from './elements.js';
import { escapeHtml } from './escape.js';
import type { ReportInput } from './report-input.js';
import { analysisSection } from './sections/analysis.js';
import { imagesSection } from './sections/images.js';
import { mapSection } from './sections/map.js';
import { metricsSection } from './sections/metrics.js';
import { datasetSection, figuresSection, lineageSection, nextStepsSection } from './sections/origin.js';
import { summarySection } from './sections/summary.js';
import { trainingSection } from './sections/training.js';
import { STYLE } from './style.js';

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function renderHtml(input: ReportInput, drawn: DrawnFigures, conclusion: Conclusion): string {
  const title = `GIST report: ${escapeHtml(input.spec.name)}`;
  const sections = sectionsOf(input, drawn, conclusion);
  const entries = sections.map(({ id, title: of }) => `<li><a href="#${id}">${escapeHtml(of)}</a></li>`);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${title}</title><style>${STYLE}</style></head><body>`,
    '<a class="skip" href="#content">Skip to the content</a><div class="page">',
    `<header><h1>${title}</h1><p class="muted">Run <code>${escapeHtml(input.runId)}</code>, ${escapeHtml(input.createdAt)}</p></header>`,
    `<nav aria-labelledby="contents"><h2 id="contents">Contents</h2><ul>${entries.join('')}</ul></nav>`,
    '<main id="content" tabindex="-1">',
    ...sections.map(renderSection),
    '</main><footer><p>Made by GIST. This page loads nothing from elsewhere and contains real images: treat it as you treat the data set.</p></footer>',
    '</div></body></html>\n',
  ].join('\n');
}

function sectionsOf(input: ReportInput, drawn: DrawnFigures, conclusion: Conclusion): Section[] {
  return [
    summarySection(conclusion),
    imagesSection(input, drawn),
    metricsSection(input, drawn),
    drawn.map && mapSection(input, drawn.map),
    ...inOrder(input.analyses).map((result) => analysisSection(result, drawn.analyses)),
    figuresSection(drawn.figures),
    trainingSection(input, drawn),
    datasetSection(input, drawn),
    lineageSection(input),
    nextStepsSection(input),
  ].filter((section) => section !== null);
}
