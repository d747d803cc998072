/** Draws the map of both sets as SVG: one shape and color for each set. */
import type { SetName } from '../../spec/compute-tasks.js';
import { escapeHtml } from '../../core/escape-html.js';
import type { FeatureMap, MapPoint } from '../report-input.js';

export const SET_WORDS: Record<SetName, string> = {
  train: 'real, used in training',
  holdout: 'real, unseen',
  synthetic: 'synthetic',
};
const SETS: readonly SetName[] = ['train', 'holdout', 'synthetic'];
/** Distinguishable by people who do not see all colors (Okabe and Ito 2008), as are the shapes. */
const COLORS: Record<SetName, string> = { train: '#0072b2', holdout: '#00805d', synthetic: '#c14a00' };
const LARGE = { width: 720, height: 460, size: 3.2 };
const SMALL = { width: 240, height: 160, size: 2.4 };
const EDGE = 10;
const LEGEND = 26;
/** Panels beyond this number say no more. */
const MAX_PANELS = 12;

interface Panel {
  width: number;
  height: number;
  /** Half the size of a shape. */
  size: number;
}

/** All points, with a legend. */
export function mapSvg({ points, extractor }: FeatureMap): string {
  const place = placement(points, { ...LARGE, height: LARGE.height - LEGEND });
  const shown = SETS.filter((set) => points.some((point) => point.set === set));
  const counts = shown.map((set) => `${countOf(points, set)} ${SET_WORDS[set]}`);
  const title = `Map of images by the features of ${extractor}: ${counts.join(', ')}`;
  return document(LARGE, title, [
    ...shown.map((set) => shapes(points, set, LARGE.size, place)),
    ...shown.map((set, i) => legend(set, 16 + i * 200)),
  ]);
}

/** One panel for each class: its points over all others. Empty without classes. */
export function classMaps({ points, classes }: FeatureMap): { name: string; svg: string }[] {
  const place = placement(points, SMALL);
  return (classes ?? []).slice(0, MAX_PANELS).map((name, label) => {
    const own = points.filter((point) => point.label === label);
    const counts = SETS.map((set) => `${countOf(own, set)} ${SET_WORDS[set]}`);
    const others = `<path class="others" stroke="#99a" stroke-opacity="0.35" stroke-width="3" stroke-linecap="round" d="${dots(points, place)}"/>`;
    const drawn = SETS.map((set) => shapes(own, set, SMALL.size, place));
    return {
      name,
      svg: document(SMALL, `Images of class ${name}: ${counts.join(', ')}`, [others, ...drawn]),
    };
  });
}

function document({ width, height }: Panel, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13"><title>${escapeHtml(title)}</title>${parts.join('')}</svg>`;
}

type Place = (point: MapPoint) => [x: number, y: number];

/** Both axes have one scale: distances on the map are those of the layout. */
function placement(points: readonly MapPoint[], { width, height }: Panel): Place {
  const [left, right] = range(points.map(({ x }) => x));
  const [bottom, top] = range(points.map(({ y }) => y));
  const scale = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (top - bottom || 1));
  return ({ x, y }) => [
    width / 2 + (x - (left + right) / 2) * scale,
    height / 2 - (y - (bottom + top) / 2) * scale,
  ];
}

function range(values: readonly number[]): [number, number] {
  return values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** All shapes of a set as one path, which keeps the page small. */
function shapes(points: readonly MapPoint[], set: SetName, size: number, place: Place): string {
  const own = points.filter((point) => point.set === set);
  return own.length > 0 ? styled(set, size, own.map((point) => shape(set, size, place(point))).join('')) : '';
}

function styled(set: SetName, size: number, d: string): string {
  const color = COLORS[set];
  if (set === 'synthetic') return `<path class="synthetic" fill="${color}" fill-opacity="0.75" d="${d}"/>`;
  if (set === 'holdout')
    return `<path class="holdout" fill="none" stroke="${color}" stroke-width="1.3" d="${d}"/>`;
  return `<path class="train" fill="none" stroke="${color}" stroke-opacity="0.7" stroke-width="${2 * size}" stroke-linecap="round" d="${d}"/>`;
}

function shape(set: SetName, size: number, [x, y]: readonly [number, number]): string {
  const at = (dx: number, dy: number) => `M${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`;
  const side = (2 * size).toFixed(1);
  if (set === 'synthetic') return `${at(0, -size)}l${size},${(1.8 * size).toFixed(1)}h-${side}z`;
  if (set === 'holdout') return `${at(-size, -size)}h${side}v${side}h-${side}z`;
  return `${at(0, 0)}h0`;
}

function dots(points: readonly MapPoint[], place: Place): string {
  return points.map((point) => shape('train', 0, place(point))).join('');
}

function legend(set: SetName, x: number): string {
  const y = LARGE.height - LEGEND / 2;
  const key = styled(set, LARGE.size * 1.3, shape(set, LARGE.size * 1.3, [x, y]));
  return `${key}<text class="text" fill="#445" x="${x + 12}" y="${y + 4.5}">${SET_WORDS[set]}</text>`;
}

function countOf(points: readonly MapPoint[], set: SetName): number {
  return points.reduce((sum, point) => sum + (point.set === set ? 1 : 0), 0);
}
