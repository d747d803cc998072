/** The report as one HTML page: its sections in their order. */
import { inOrder } from '../spec/analyses.js';
import type { Conclusion } from '../spec/results.js';
import type { DrawnFigures } from './drawn-figures.js';
import type { Section } from './elements.js';
import { escapeHtml } from '../core/escape-html.js';
import { renderPage } from './page.js';
import type { ReportInput } from './report-input.js';
import { analysisSection } from './sections/analysis.js';
import { imagesSection } from './sections/images.js';
import { mapSection } from './sections/map.js';
import { metricsSection } from './sections/metrics.js';
import { datasetSection, figuresSection, lineageSection, nextStepsSection } from './sections/origin.js';
import { summarySection } from './sections/summary.js';
import { trainingSection } from './sections/training.js';

export function renderHtml(input: ReportInput, drawn: DrawnFigures, conclusion: Conclusion): string {
  return renderPage({
    title: `GIST report: ${input.spec.name}`,
    subtitle: `Run <code>${escapeHtml(input.runId)}</code>, ${escapeHtml(input.createdAt.replace(/T(\d\d:\d\d).*$/, ', $1 UTC'))}`,
    sections: sectionsOf(input, drawn, conclusion),
    holds: 'real images',
  });
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
