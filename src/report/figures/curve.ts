/** Draws a metric curve as SVG: value against kimg, its band, and the best snapshot. */
import type { CurvePoint } from '../../spec/results.js';
import { escapeHtml } from '../escape.js';
import { scale, tickLabel, ticks } from './axis.js';

const WIDTH = 720;
const HEIGHT = 320;
const MARGIN = { left: 64, right: 16, top: 20, bottom: 44 };

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
  const x = scale(xTicks, MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(yTicks, HEIGHT - MARGIN.bottom, MARGIN.top);
  const at = (kimg: number, value: number) => `${x(kimg).toFixed(1)},${y(value).toFixed(1)}`;
  const line = curve.map(({ kimg, value }) => at(kimg, value)).join(' ');
  const dots = curve.map(({ kimg, value }) =>
    dot(x(kimg), y(value), kimg === bestKimg, `${kimg} kimg: ${Number(value.toPrecision(4))}`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
    `<title>${escapeHtml(curveText(curve, metric, bestKimg))}</title>`,
    ...yTicks.map((tick) => horizontal(y(tick), tickLabel(tick))),
    ...xTicks.map(
      (tick) =>
        `<text x="${x(tick)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${tickLabel(tick)}</text>`,
    ),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">kimg (thousands of real images shown)</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(metric)}, lower is better</text>`,
    band(curve, at),
    `<polyline class="line" fill="none" stroke="#0072b2" stroke-width="2" points="${line}"/>`,
    ...dots,
    '</svg>',
  ].join('');
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

function horizontal(y: number, label: string): string {
  const line = `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#8893a5" stroke-opacity="0.3"/>`;
  return `${line}<text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${label}</text>`;
}

function dot(x: number, y: number, isBest: boolean, title: string): string {
  const circle = `<circle class="${isBest ? 'best' : 'line'}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${isBest ? 6 : 3.5}" fill="${isBest ? '#c14a00' : '#0072b2'}"><title>${title}</title></circle>`;
  return isBest
    ? `${circle}<text class="best" x="${x.toFixed(1)}" y="${(y - 12).toFixed(1)}" text-anchor="middle" fill="#c14a00">best</text>`
    : circle;
}
