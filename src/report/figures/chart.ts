/** The frame of a chart: its document, grid lines, tick labels and titles of axes. */
import { escapeHtml } from '../../core/escape-html.js';
import { scale, tickLabel } from './axis.js';

/** Sizes in pixels. */
export interface ChartSize {
  width: number;
  height: number;
  margin: { left: number; right: number; top: number; bottom: number };
}

interface Axis {
  ticks: readonly number[];
  title?: string;
}

export interface ChartFrame {
  x: (value: number) => number;
  y: (value: number) => number;
  /** The SVG document that has the frame and what is drawn in it. */
  document(title: string, drawn: readonly string[]): string;
}

/** @param axes titles are plain text; the vertical axis may have none */
export function chartFrame(
  { width, height, margin }: ChartSize,
  axes: { x: Axis & { title: string }; y: Axis },
): ChartFrame {
  const x = scale(axes.x.ticks, margin.left, width - margin.right);
  const y = scale(axes.y.ticks, height - margin.bottom, margin.top);
  const horizontal = (tick: number) =>
    `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#8893a5" stroke-opacity="0.3"/><text x="${margin.left - 8}" y="${y(tick) + 4}" text-anchor="end">${tickLabel(tick)}</text>`;
  const below = (tick: number) =>
    `<text x="${x(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tickLabel(tick)}</text>`;
  const vertical =
    axes.y.title === undefined
      ? ''
      : `<text transform="translate(14 ${height / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(axes.y.title)}</text>`;
  const document = (title: string, drawn: readonly string[]) =>
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
      `<title>${escapeHtml(title)}</title>`,
      ...axes.y.ticks.map(horizontal),
      ...axes.x.ticks.map(below),
      `<text x="${width / 2}" y="${height - 8}" text-anchor="middle">${escapeHtml(axes.x.title)}</text>`,
      vertical,
      ...drawn,
      '</svg>',
    ].join('');
  return { x, y, document };
}
