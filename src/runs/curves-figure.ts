/** Draws the curves of several runs in one figure. */
import { escapeHtml } from '../core/escape-html.js';
import { ticks } from '../report/figures/axis.js';
import { chartFrame } from '../report/figures/chart.js';
import type { CurvePoint } from '../spec/results.js';

const WIDTH = 720;
const HEIGHT = 340;
const MARGIN = { left: 64, right: 16, top: 20, bottom: 44 };
/** Distinct also for most people with a color vision deficiency (Okabe and Ito 2008). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];

export interface Curve {
  name: string;
  points: CurvePoint[];
}

/** @returns an SVG document, or null without two points in any curve */
export function curvesSvg(curves: readonly Curve[], title: string): string | null {
  const drawn = curves.filter(({ points }) => points.length > 1);
  if (drawn.length === 0) return null;
  const all = drawn.flatMap(({ points }) => points);
  const values = all.map(({ value }) => value);
  const xTicks = ticks(0, Math.max(...all.map(({ kimg }) => kimg)));
  const yTicks = ticks(Math.min(0, ...values), Math.max(0, ...values));
  const { x, y, document } = chartFrame(
    { width: WIDTH, height: HEIGHT, margin: MARGIN },
    { x: { ticks: xTicks, title: 'kimg (thousands of real images shown)' }, y: { ticks: yTicks } },
  );
  return document(`${title} against thousands of images shown`, [
    ...drawn.map(({ name, points }, i) => {
      const color = COLORS[i % COLORS.length];
      const line = points.map(({ kimg, value }) => `${x(kimg).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
      const height = MARGIN.top + 8 + i * 18;
      return `<polyline fill="none" stroke="${color}" stroke-width="2" points="${line}"/><text x="${WIDTH - MARGIN.right - 22}" y="${height + 4}" text-anchor="end">${escapeHtml(name)}</text><line x1="${WIDTH - MARGIN.right - 16}" x2="${WIDTH - MARGIN.right}" y1="${height}" y2="${height}" stroke="${color}" stroke-width="3"/>`;
    }),
  ]);
}
