/** Draws how bright the images of each class are, as SVG: training images against the holdout. */
import { EXPOSURE_BINS, type Exposure } from '../../imaging/index.js';
import { escapeHtml } from '../../core/escape-html.js';

const PANEL = { width: 220, height: 96, gap: 20, title: 16, axis: 14 };
const COLUMNS = 3;
/** Classes that are drawn; more would be no overview. */
const MOST_CLASSES = 12;

export interface ExposureInput {
  /** null when unlabeled. */
  classes: readonly string[] | null;
  train: readonly Exposure[];
  holdout: readonly Exposure[];
}

/**
 * One panel for each class: share of the images by their mean gray level.
 *
 * @returns an SVG document, or null when nothing was counted
 */
export function exposureSvg({ classes, train, holdout }: ExposureInput): string | null {
  const labels = train.map(({ label }) => label).slice(0, MOST_CLASSES);
  if (labels.length === 0) return null;
  const columns = Math.min(COLUMNS, labels.length);
  const [across, down] = [PANEL.width + PANEL.gap, PANEL.title + PANEL.height + PANEL.axis + PANEL.gap];
  const [width, height] = [columns * across, Math.ceil(labels.length / columns) * down + 18];
  const panels = labels.map((label, i) => {
    const of = (side: readonly Exposure[]) => side.find((exposure) => exposure.label === label);
    const name = classes?.[label] ?? 'all images';
    const at = `translate(${(i % columns) * across} ${Math.floor(i / columns) * down})`;
    return `<g transform="${at}">${panel(name, of(train), of(holdout))}</g>`;
  });
  const key = `<g transform="translate(0 ${height - 4})"><rect y="-10" width="12" height="10" fill="#2f6fde" fill-opacity="0.35"/><text x="18">training</text><path d="M90 -5h14" stroke="#d9480f" stroke-width="2"/><text x="110">holdout</text><text x="180">across: mean level of an image, 0 to 255; up: share of images</text></g>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#556">`,
    '<title>Mean gray level of the images of each class, training against holdout</title>',
    ...panels,
    key,
    '</svg>',
  ].join('');
}

function panel(name: string, train: Exposure | undefined, holdout: Exposure | undefined): string {
  const shares = [train, holdout].map((exposure) =>
    exposure && exposure.images > 0 ? exposure.means.map((count) => count / exposure.images) : null,
  );
  const most = Math.max(...shares.flatMap((share) => share ?? [0]));
  const base = PANEL.title + PANEL.height;
  const x = (bin: number) => ((bin / EXPOSURE_BINS) * PANEL.width).toFixed(1);
  const y = (share: number) => (base - (share / (most || 1)) * PANEL.height).toFixed(1);
  const outline = (share: readonly number[]) =>
    share.map((part, bin) => `V${y(part)}H${x(bin + 1)}`).join('');
  const [filled, line] = shares;
  const count = (exposure: Exposure | undefined) => exposure?.images ?? 0;
  return [
    `<text y="12" font-weight="600">${escapeHtml(short(name))}</text>`,
    `<text x="${PANEL.width}" y="12" text-anchor="end">${count(train)} / ${count(holdout)}</text>`,
    filled &&
      `<path d="M0 ${base}${outline(filled)}V${base}Z" fill="#2f6fde" fill-opacity="0.35" stroke="none"/>`,
    line && `<path d="M0 ${base}${outline(line)}V${base}" fill="none" stroke="#d9480f" stroke-width="1.5"/>`,
    `<path d="M0 ${base}H${PANEL.width}" stroke="#8893a5" stroke-opacity="0.6"/>`,
    `<text y="${base + 13}">0</text><text x="${PANEL.width}" y="${base + 13}" text-anchor="end">255</text>`,
  ]
    .filter(Boolean)
    .join('');
}

function short(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23)}\u2026` : name;
}
