/** Draws the line that a distance for infinitely many images is read off, as an SVG. */
import { escapeHtml } from '../core/escape-html.js';
import type { LineFit } from '../spec/line-fit.js';

const WIDTH = 560;
const HEIGHT = 320;
const MARGIN = { left: 72, right: 20, top: 36, bottom: 56 };
/** Readable for color-blind readers, and on light and dark pages. */
const POINT = '#0072b2';
const LINE = '#d55e00';

/** @param name full name of the value */
export function fitFigure(name: string, { points, intercept, slope }: LineFit): string {
  const furthest = Math.max(...points.map(({ share }) => 1 / share)) * 1.05;
  const ends = [intercept, intercept + slope * furthest];
  const values = [...points.map(({ value }) => value), ...ends];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || 1) * 0.08;
  const x = (inverse: number) => MARGIN.left + (inverse / furthest) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT -
    MARGIN.bottom -
    ((value - low + room) / (high - low + 2 * room)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const at = (number: number) => number.toFixed(1);
  const base = HEIGHT - MARGIN.bottom;
  const ticks = [low, (low + high) / 2, high].map(
    (value) =>
      `<text x="${MARGIN.left - 8}" y="${at(y(value) + 4)}" text-anchor="end">${Number(value.toPrecision(4))}</text>`,
  );
  const dots = points.map(
    ({ share, images, value }) =>
      `<circle cx="${at(x(1 / share))}" cy="${at(y(value))}" r="4" fill="${POINT}"><title>${images} images: ${value.toPrecision(5)}</title></circle>`,
  );
  const counts = [points[0], points.at(-1)].flatMap((point) =>
    point
      ? [`<text x="${at(x(1 / point.share))}" y="${base + 18}" text-anchor="middle">${point.images}</text>`]
      : [],
  );
  const label = escapeHtml(
    `${name}: the distances of ${points.length} parts of the sets, and ${intercept.toPrecision(4)} for infinitely many images`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}" font-family="sans-serif" font-size="12" fill="currentColor">`,
    `<text x="${MARGIN.left}" y="20" font-size="14">${escapeHtml(name)}</text>`,
    `<path d="M${MARGIN.left} ${MARGIN.top}V${base}H${WIDTH - MARGIN.right}" fill="none" stroke="currentColor"/>`,
    `<path d="M${at(x(0))} ${at(y(intercept))}L${at(x(furthest))} ${at(y(ends[1] as number))}" stroke="${LINE}" stroke-width="2"/>`,
    `<circle cx="${at(x(0))}" cy="${at(y(intercept))}" r="5" fill="none" stroke="${LINE}" stroke-width="2"/>`,
    ...dots,
    ...ticks,
    ...counts,
    `<text x="${at(x(0))}" y="${base + 18}" text-anchor="middle">infinite</text>`,
    `<text x="${WIDTH / 2}" y="${HEIGHT - 14}" text-anchor="middle">number of images of the evaluated set (inverse scale)</text>`,
    '</svg>',
  ].join('');
}
