/** Figures that explain single metrics: fitted lines, strips of moved inputs. */
import { fitFigure } from '../evaluation/index.js';
import type { LineFit } from '../spec/line-fit.js';
import { explainMetric } from './explanations.js';
import type { ReportFigure } from './report-input.js';

export interface ExplainedMetrics {
  /** Lines that values for infinitely many images are read off, by full name. */
  fits: Record<string, LineFit>;
  /** Strips of images (PNG) by the metric of the generator that they explain. */
  pictures: Record<string, Uint8Array>;
}

export function metricFigures({ fits, pictures }: ExplainedMetrics): ReportFigure[] {
  return [
    ...Object.entries(pictures).map(([name, bytes]) => strip(name, bytes)),
    ...Object.entries(fits).map(([name, fit]) => line(name, fit)),
  ];
}

function strip(name: string, bytes: Uint8Array): ReportFigure {
  return {
    title: explainMetric(`${name}.generator`)?.title ?? name,
    caption: 'From left to right: image, image of the moved input, moved image, difference.',
    alt: 'synthetic images, the same with a moved input, the images moved themselves, and the difference',
    name,
    picture: { type: 'png', bytes },
  };
}

function line(name: string, fit: LineFit): ReportFigure {
  const found = fit.intercept.toPrecision(4);
  return {
    title: explainMetric(name)?.title ?? name,
    caption: `Distances of parts of the sets, and the line that leads to ${found} for infinitely many images.`,
    alt: `${name}: ${fit.points.length} distances on a line that ends at ${found}`,
    name: `fit-${name}`,
    picture: { type: 'svg', bytes: Buffer.from(fitFigure(name, fit)) },
  };
}
