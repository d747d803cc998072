/** Draws a metric curve as SVG: value against kimg, its band, and the best snapshot. */
import type { CurvePoint } from '../../spec/results.js';
import { ticks } from './axis.js';
import { chartFrame } from './chart.js';

const SIZE = { width: 720, height: 320, margin: { left: 64, right: 16, top: 20, bottom: 44 } };

/**
 * Colors are attributes, for programs that open the file alone; the style sheet of the page
 * replaces them by class.
 *
 * @returns an SVG document, or null when there are fewer than two points
 */
export function curveSvg(
  points: readonly CurvePoint[],
  metric: string,
  bestKimg: number | null,
): string | null {
  const curve = points.filter((point) => point.metric === metric);
  if (curve.length < 2) return null;
  const xTicks = ticks(0, Math.max(...curve.map(({ kimg }) => kimg)));
  const ends = curve.flatMap(({ value, spread = 0 }) => [value - spread, value + spread]);
  // The kernel distance may be negative.
  const yTicks = ticks(Math.min(0, ...ends), Math.max(0, ...ends));
  const { x, y, document } = chartFrame(SIZE, {
    x: { ticks: xTicks, title: 'kimg (thousands of real images shown)' },
    y: { ticks: yTicks, title: `${metric}, lower is better` },
  });
  const at = (kimg: number, value: number) => `${x(kimg).toFixed(1)},${y(value).toFixed(1)}`;
  const line = curve.map(({ kimg, value }) => at(kimg, value)).join(' ');
  const dots = curve.map(({ kimg, value }) =>
    dot(x(kimg), y(value), kimg === bestKimg, `${kimg} kimg: ${Number(value.toPrecision(4))}`),
  );
  return document(curveText(curve, metric, bestKimg), [
    band(curve, at),
    `<polyline class="line" fill="none" stroke="#0072b2" stroke-width="2" points="${line}"/>`,
    ...dots,
  ]);
}

/** The curve in words: where it starts, where it ends, and its best snapshot. */
function curveText(curve: readonly CurvePoint[], metric: string, bestKimg: number | null): string {
  const say = ({ kimg, value }: CurvePoint) => `${Number(value.toPrecision(4))} at ${kimg} kimg`;
  const [first, last] = [curve[0] as CurvePoint, curve.at(-1) as CurvePoint];
  const best = curve.find(({ kimg }) => kimg === bestKimg);
  return `${metric} against thousands of images shown: from ${say(first)} to ${say(last)}${best ? `; the snapshot in use has ${say(best)}` : ''}`;
}

/** Value plus and minus spread, where every point has one. */
function band(curve: readonly CurvePoint[], at: (kimg: number, value: number) => string): string {
  if (curve.some(({ spread }) => spread === undefined)) return '';
  const upper = curve.map(({ kimg, value, spread = 0 }) => at(kimg, value + spread));
  const lower = curve.map(({ kimg, value, spread = 0 }) => at(kimg, value - spread)).reverse();
  return `<polygon class="band" fill="#0072b2" fill-opacity="0.18" points="${[...upper, ...lower].join(' ')}"/>`;
}

function dot(x: number, y: number, isBest: boolean, title: string): string {
  const circle = `<circle class="${isBest ? 'best' : 'line'}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${isBest ? 6 : 3.5}" fill="${isBest ? '#c14a00' : '#0072b2'}"><title>${title}</title></circle>`;
  return isBest
    ? `${circle}<text class="best" x="${x.toFixed(1)}" y="${(y - 12).toFixed(1)}" text-anchor="middle" fill="#c14a00">best</text>`
    : circle;
}
