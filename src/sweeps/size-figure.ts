/** Draws a metric against the number of training images: every run, the fitted curve, its band. */
import { escapeHtml } from '../core/escape-html.js';
import { ticks } from '../report/figures/axis.js';
import { chartFrame } from '../report/figures/chart.js';
import { curveOf, type SizeAnswer, type SizeSummary } from './size-answer.js';

const WIDTH = 720;
const HEIGHT = 380;
const MARGIN = { left: 64, right: 20, top: 20, bottom: 44 };
const LEGEND_LINE = 18;

/** One mode of the sweep. */
export interface SizeSeries {
  mode: string;
  sizes: SizeSummary[];
  answer: SizeAnswer;
}

const COLORS: Record<string, string> = { base: '#2f6fde', transfer: '#d9480f' };

/** @returns an SVG document, or null when nothing has finished */
export function sizeFigure(series: readonly SizeSeries[], metric: string): string | null {
  const all = series.flatMap(({ sizes }) => sizes);
  if (all.length === 0) return null;
  const largest = Math.max(...all.map(({ size }) => size));
  const curves = series.map(({ answer, sizes }) =>
    answer.fit ? curveOf(answer.fit, sizes[0]?.size ?? 1, largest) : [],
  );
  const heights = all.flatMap(({ values, mean, spread }) => [...values, mean + (spread ?? 0)]);
  const lows = all.flatMap(({ values }) => values);
  const xTicks = ticks(0, largest);
  // A wide band where few runs are would flatten everything else.
  const yTicks = ticks(Math.min(0, ...lows), Math.max(...heights) * 1.1);
  const { x, y, document } = chartFrame(
    { width: WIDTH, height: HEIGHT, margin: MARGIN },
    {
      x: { ticks: xTicks, title: 'training images' },
      y: { ticks: yTicks, title: `${metric}, lower is better` },
    },
  );
  const [low, high] = [yTicks[0] as number, yTicks.at(-1) as number];
  const clamped = (value: number) => y(Math.min(high, Math.max(low, value)));
  const parts = series.flatMap((one, index) =>
    drawSeries(one, curves[index] ?? [], { color: colorOf(one.mode), x, y: clamped }),
  );
  return document(`${metric} against the number of training images`, [
    ...parts,
    ...series.map(({ mode, answer }, index) => legend(mode, answer, index)),
  ]);
}

interface Place {
  color: string;
  x: (size: number) => number;
  y: (value: number) => number;
}

/** Band, curve, dots of the runs, then mean and spread of each size. */
function drawSeries(
  { sizes, answer }: SizeSeries,
  curve: ReturnType<typeof curveOf>,
  { color, x, y }: Place,
): string[] {
  const at = (size: number, value: number) => `${x(size).toFixed(1)},${y(value).toFixed(1)}`;
  const upper = curve.map(({ size, band }) => at(size, band.high));
  const lower = curve.map(({ size, band }) => at(size, band.low)).reverse();
  const line = curve.map(({ size, value }) => at(size, value)).join(' ');
  const fitted = answer.fit && [
    `<polygon fill="${color}" fill-opacity="0.15" points="${[...upper, ...lower].join(' ')}"/>`,
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${line}"/>`,
  ];
  const runs = sizes.flatMap(({ size, values }) =>
    values.map(
      (value) =>
        `<circle cx="${x(size).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" fill="${color}" fill-opacity="0.5"><title>${size} images: ${Number(value.toPrecision(4))}</title></circle>`,
    ),
  );
  const means = sizes.map(({ size, mean, spread }) => {
    const middle = x(size);
    const bar = spread
      ? `<line x1="${middle}" x2="${middle}" y1="${y(mean - spread)}" y2="${y(mean + spread)}" stroke="${color}" stroke-width="1.5"/>`
      : '';
    return `${bar}<line x1="${middle - 7}" x2="${middle + 7}" y1="${y(mean)}" y2="${y(mean)}" stroke="${color}" stroke-width="2.5"/>`;
  });
  const enough = answer.enough;
  const last = sizes.at(-1)?.size ?? 0;
  const mark =
    enough !== null && enough <= last
      ? [
          `<line x1="${x(enough)}" x2="${x(enough)}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="${color}" stroke-dasharray="5 4"/>`,
        ]
      : [];
  return [...(fitted ?? []), ...mark, ...runs, ...means];
}

function colorOf(mode: string): string {
  return COLORS[mode] ?? '#2f6fde';
}

function legend(mode: string, { fit }: SizeAnswer, index: number): string {
  const y = MARGIN.top + 8 + index * LEGEND_LINE;
  const right = WIDTH - MARGIN.right;
  const law = fit ? `: ${short(fit.a)} n^-${short(fit.b)} + ${short(fit.c)}` : '';
  return `<text x="${right - 18}" y="${y + 4}" text-anchor="end">${escapeHtml(`${mode}${law}`)}</text><line x1="${right - 14}" x2="${right}" y1="${y}" y2="${y}" stroke="${colorOf(mode)}" stroke-width="3"/>`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
