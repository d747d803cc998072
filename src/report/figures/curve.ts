/** Draws a metric curve as SVG: value against kimg, with the best snapshot marked. */
import type { CurvePoint } from '../../spec/results.js';
import { escapeHtml } from '../escape.js';

const WIDTH = 720;
const HEIGHT = 320;
const MARGIN = { left: 64, right: 16, top: 20, bottom: 44 };

/** @returns an SVG document, or null when there are fewer than two points */
export function curveSvg(
  points: readonly CurvePoint[],
  metric: string,
  bestKimg: number | null,
): string | null {
  const curve = points.filter((point) => point.metric === metric);
  if (curve.length < 2) return null;
  const xTicks = ticks(0, Math.max(...curve.map(({ kimg }) => kimg)));
  const values = curve.map(({ value }) => value);
  // The kernel distance may be negative.
  const yTicks = ticks(Math.min(0, ...values), Math.max(0, ...values));
  const x = scale(xTicks, MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(yTicks, HEIGHT - MARGIN.bottom, MARGIN.top);
  const line = curve.map(({ kimg, value }) => `${x(kimg).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const dots = curve.map(({ kimg, value }) =>
    dot(x(kimg), y(value), kimg === bestKimg, `${kimg} kimg: ${Number(value.toPrecision(4))}`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
    `<title>${escapeHtml(metric)} against thousands of images shown</title>`,
    ...yTicks.map((tick) => horizontal(y(tick), format(tick))),
    ...xTicks.map(
      (tick) =>
        `<text x="${x(tick)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${format(tick)}</text>`,
    ),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">kimg (thousands of real images shown)</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(metric)}, lower is better</text>`,
    `<polyline fill="none" stroke="#2f6fde" stroke-width="2" points="${line}"/>`,
    ...dots,
    '</svg>',
  ].join('');
}

function horizontal(y: number, label: string): string {
  const line = `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#8893a5" stroke-opacity="0.3"/>`;
  return `${line}<text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${label}</text>`;
}

function dot(x: number, y: number, isBest: boolean, title: string): string {
  const circle = `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${isBest ? 6 : 3.5}" fill="${isBest ? '#d9480f' : '#2f6fde'}"><title>${title}</title></circle>`;
  return isBest
    ? `${circle}<text x="${x.toFixed(1)}" y="${(y - 12).toFixed(1)}" text-anchor="middle" fill="#d9480f">best</text>`
    : circle;
}

function scale(axis: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [axis[0] as number, axis.at(-1) as number];
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** Axis ticks that enclose a range, in steps of 1, 2 or 5 times a power of ten. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function format(value: number): string {
  return Number(value.toPrecision(6)).toString();
}
