/**
 * Draws settings as parallel coordinates: an axis for each key and one for the metric, and a line
 * for each setting.
 */
import { escapeHtml } from '../core/escape-html.js';
import { scale, tickLabel, ticks } from '../report/figures/axis.js';
import type { SettingValue } from '../spec/hyperparameter-sweep.js';

/** A line of the drawing. */
export interface DrawnSetting {
  label: string;
  /** Of all keys. */
  values: Readonly<Record<string, SettingValue>>;
  metric: number;
  isDefault: boolean;
}

/** An axis by what it shows, with the position of a value from 0 (bottom) to 1. */
interface Axis {
  title: string;
  at: (value: SettingValue) => number;
  /** Labels and their positions. */
  ticks: { text: string; at: number }[];
}

const [SPACING, HEIGHT] = [170, 360];
const MARGIN = { left: 90, right: 100, top: 44, bottom: 40 };
/** Numbers that each have a tick of their own. */
const MOST_TICKS = 6;
const LONGEST_LABEL = 18;
/** Best and worst; distinct in gray and for color-blind readers too (ends of viridis). */
const [BEST, WORST] = [
  [68, 1, 84],
  [253, 203, 37],
] as const;

/**
 * @param logarithmic keys whose axis is logarithmic
 * @returns an SVG document; null for fewer than two settings
 */
export function parallelCoordinates(
  settings: readonly DrawnSetting[],
  keys: readonly string[],
  { metric, logarithmic }: { metric: string; logarithmic: ReadonlySet<string> },
): string | null {
  if (settings.length < 2) return null;
  const axes = [
    ...keys.map((key) =>
      axisOf(
        key,
        settings.map(({ values }) => values[key] ?? null),
        logarithmic.has(key),
      ),
    ),
    linearAxis(
      metric,
      settings.map((one) => one.metric),
      true,
    ),
  ];
  const width = MARGIN.left + MARGIN.right + SPACING * (axes.length - 1);
  const x = (index: number) => MARGIN.left + SPACING * index;
  const y = scale([0, 1], HEIGHT - MARGIN.bottom, MARGIN.top);
  const ranks = rankPositions(settings.map((one) => one.metric));
  // The best are drawn last, and the default above all.
  const order = settings
    .map((one, i) => ({ one, position: ranks[i] as number }))
    .sort((a, b) => Number(a.one.isDefault) - Number(b.one.isDefault) || b.position - a.position);
  const lines = order.map(({ one, position }) => line(one, position, { axes, keys, x, y }));
  const title = `${metric} by the values of ${keys.join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
    `<title>${escapeHtml(title)}</title>`,
    ...lines,
    ...axes.map((axis, index) => drawAxis(axis, x(index), y)),
    legend(),
    '</svg>',
  ].join('');
}

interface Places {
  axes: readonly Axis[];
  keys: readonly string[];
  x: (index: number) => number;
  y: (position: number) => number;
}

function line(one: DrawnSetting, position: number, { axes, keys, x, y }: Places): string {
  const values = [...keys.map((key) => one.values[key] ?? null), one.metric];
  const points = values.map((value, i) => `${x(i)},${y(axes[i]?.at(value) ?? 0).toFixed(1)}`).join(' ');
  const style = one.isDefault
    ? 'stroke="#d9480f" stroke-width="2.5" stroke-dasharray="6 4"'
    : `stroke="${color(position)}" stroke-width="1.8" stroke-opacity="0.85"`;
  const metric = Number(one.metric.toPrecision(4));
  return `<polyline fill="none" ${style} points="${points}"><title>${escapeHtml(`${one.label}: ${metric}`)}</title></polyline>`;
}

function drawAxis({ title, ticks: marks }: Axis, x: number, y: (position: number) => number): string {
  const labels = marks.map(
    ({ text, at }) =>
      `<line x1="${x - 4}" x2="${x}" y1="${y(at).toFixed(1)}" y2="${y(at).toFixed(1)}" stroke="#445"/><text x="${x + 6}" y="${(y(at) + 4).toFixed(1)}" stroke="#fff" stroke-width="3" paint-order="stroke">${escapeHtml(shortened(text))}</text>`,
  );
  return `<line x1="${x}" x2="${x}" y1="${y(0)}" y2="${y(1)}" stroke="#445" stroke-width="1.2"/>${labels.join('')}<text x="${x}" y="${MARGIN.top - 16}" text-anchor="middle" font-weight="600">${escapeHtml(title)}</text>`;
}

function legend(): string {
  const y = HEIGHT - 12;
  const sample = (from: number, style: string, text: string) =>
    `<line x1="${from}" x2="${from + 22}" y1="${y - 4}" y2="${y - 4}" ${style}/><text x="${from + 28}" y="${y}">${text}</text>`;
  return [
    sample(MARGIN.left, `stroke="${color(0)}" stroke-width="2.5"`, 'best'),
    sample(MARGIN.left + 76, `stroke="${color(1)}" stroke-width="2.5"`, 'worst'),
    sample(MARGIN.left + 160, 'stroke="#d9480f" stroke-width="2.5" stroke-dasharray="6 4"', 'default'),
    `<text x="${MARGIN.left + 250}" y="${y}">lower is better</text>`,
  ].join('');
}

/** Numbers on a scale, with other values above it; otherwise each value has a place of its own. */
function axisOf(title: string, values: readonly SettingValue[], isLogarithmic: boolean): Axis {
  const numbers = values.filter((value) => typeof value === 'number');
  const names = [...new Set(values.filter((value) => typeof value !== 'number'))].map(String);
  if (numbers.length === 0 || new Set(numbers).size < 2)
    return namedAxis(title, [...new Set(values)].map(String));
  const numeric = isLogarithmic ? logAxis(title, numbers) : linearAxis(title, numbers);
  if (names.length === 0) return numeric;
  const share = 1 - 0.14 * names.length;
  const nameAt = (name: string) => share + ((names.indexOf(name) + 1) / names.length) * (1 - share);
  return {
    title,
    at: (value) => (typeof value === 'number' ? share * 0.94 * numeric.at(value) : nameAt(String(value))),
    ticks: [
      ...numeric.ticks.map(({ text, at }) => ({ text, at: share * 0.94 * at })),
      ...names.map((name) => ({ text: name, at: nameAt(name) })),
    ],
  };
}

function namedAxis(title: string, names: readonly string[]): Axis {
  const at = (name: string) => (names.length < 2 ? 0.5 : names.indexOf(name) / (names.length - 1));
  return {
    title,
    at: (value) => at(String(value)),
    ticks: names.map((name) => ({ text: name, at: at(name) })),
  };
}

function linearAxis(title: string, numbers: readonly number[], isMetric = false): Axis {
  const ends = ticks(Math.min(...numbers), Math.max(...numbers));
  const at = scale(ends, 0, 1);
  const marks = marked(isMetric ? ends : numbers, ends, at);
  return { title, at: (value) => at(value as number), ticks: marks };
}

/** Few values are marked themselves; those of the metric may lie too close for that. */
function marked(numbers: readonly number[], others: readonly number[], at: (value: number) => number) {
  const distinct = [...new Set(numbers)];
  const marks = distinct.length <= MOST_TICKS ? distinct : others;
  return marks.map((mark) => ({ text: tickLabel(Number(mark.toPrecision(3))), at: at(mark) }));
}

/** From the least to the greatest value, which are marked, with three between them. */
function logAxis(title: string, numbers: readonly number[]): Axis {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)].map(Math.log) as [number, number];
  const at = (value: number) => (Math.log(value) - low) / (high - low);
  const even = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.exp(low + part * (high - low)));
  return { title, at: (value) => at(value as number), ticks: marked(numbers, even, at) };
}

/** From 0 (lowest) to 1. */
function rankPositions(metrics: readonly number[]): number[] {
  const sorted = [...metrics].sort((a, b) => a - b);
  return metrics.map((metric) => sorted.indexOf(metric) / Math.max(1, metrics.length - 1));
}

function color(position: number): string {
  const channel = (i: 0 | 1 | 2) => Math.round(BEST[i] + (WORST[i] - BEST[i]) * position);
  return `rgb(${channel(0)},${channel(1)},${channel(2)})`;
}

function shortened(text: string): string {
  return text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 3)}...` : text;
}
