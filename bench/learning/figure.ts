/**
 * Draws the curves of the learning benchmark as SVG: thin lines for seeds, thick lines for medians.
 */
import type { CurvePoint } from '../../src/spec/results.js';
import type { Curve, Side } from './job.js';

const [WIDTH, HEIGHT] = [760, 420];
const MARGIN = { left: 64, right: 200, top: 24, bottom: 44 };
const SIDES: Record<Side, { label: string; color: string }> = {
  ours: { label: 'GIST, from scratch', color: '#2f6fde' },
  peer: { label: 'PyTorch, from scratch', color: '#7a7f8a' },
  transfer: { label: 'GIST, transfer learning', color: '#d9480f' },
};

export function drawCurves(curves: readonly Curve[], cfg: string): string {
  const points = curves.flatMap((curve) => curve.points);
  const maximum = (values: number[]) => values.reduce((largest, value) => Math.max(largest, value), 0) || 1;
  const kimg = maximum(points.map((point) => point.kimg));
  const value = maximum(points.map((point) => point.value));
  const x = (at: number) => MARGIN.left + (at / kimg) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (at: number) => HEIGHT - MARGIN.bottom - (at / value) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const line = (own: readonly CurvePoint[], color: string, width: number, opacity: number) =>
    `<polyline fill="none" stroke="${color}" stroke-width="${width}" stroke-opacity="${opacity}" points="${own.map((point) => `${x(point.kimg).toFixed(1)},${y(point.value).toFixed(1)}`).join(' ')}"/>`;
  const shown = (Object.keys(SIDES) as Side[]).filter((who) => curves.some((curve) => curve.who === who));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
    '<title>Frechet distance of snapshots over thousands of training images</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...ticks(value).map(
      (tick) =>
        `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#8893a5" stroke-opacity="0.3"/><text x="${MARGIN.left - 8}" y="${y(tick) + 4}" text-anchor="end">${format(tick)}</text>`,
    ),
    ...ticks(kimg).map(
      (tick) =>
        `<text x="${x(tick)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${format(tick)}</text>`,
    ),
    `<text x="${(WIDTH - MARGIN.right + MARGIN.left) / 2}" y="${HEIGHT - 8}" text-anchor="middle">kimg of ${cfg}</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">fd_effnetlite0, lower is better</text>`,
    ...shown.flatMap((who, i) => {
      const own = curves.filter((curve) => curve.who === who);
      const { color, label } = SIDES[who];
      return [
        ...own.map((curve) => line(curve.points, color, 1, 0.45)),
        line(medianOf(own), color, 2.5, 1),
        `<text x="${WIDTH - MARGIN.right + 10}" y="${MARGIN.top + 14 + 18 * i}" fill="${color}">${label} (${own.length})</text>`,
      ];
    }),
    '</svg>',
  ].join('\n');
}

/** Median at each kimg that all seeds have. */
export function medianOf(curves: readonly Curve[]): CurvePoint[] {
  const [first] = curves;
  return (first?.points ?? []).flatMap(({ kimg, metric }) => {
    const values = curves.flatMap(({ points }) =>
      points.filter((point) => point.kimg === kimg).map(({ value }) => value),
    );
    if (values.length < curves.length) return [];
    const sorted = values.sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    const value = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
    return [{ kimg, metric, value }];
  });
}

/** Ticks from 0 to the maximum, in steps of 1, 2 or 5 times a power of ten. */
function ticks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max / 5));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= max / 5) ?? 10) * power;
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, i) => i * step);
}

function format(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
