/** A page with what was found and a contact sheet: a few images of each class. */
import { escapeHtml } from '../../core/escape-html.js';
import { writePrivateFile } from './private-file.js';

/** One image of the sheet. */
export interface SheetImage {
  /** Class, or null when unlabeled. */
  name: string | null;
  png: Uint8Array;
}

/** Number of images of each class. */
export const SHEET_IMAGES = 12;
/** More rows than these are folded. */
const LONG = 60;

const STYLE = `:root { color-scheme: light dark; --text: #1c2330; --muted: #525d6f; --page: #fff; --line: #d3d9e2; --warning: #8a2b06 }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e7ebf2; --muted: #a9b4c5; --page: #12151b; --line: #38414f; --warning: #ffb58a } }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 1.5rem 0 0.4rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% } th, td { padding: 0.3rem 1rem 0.3rem 0; vertical-align: top; text-align: left; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { font-weight: 600; width: 12rem } .warning { color: var(--warning) } .sheet { display: flex; flex-wrap: wrap; gap: 4px }
img { background: #000; image-rendering: pixelated } img.image { width: 128px; height: 128px } img.text { max-width: 100%; min-height: 24px } summary { cursor: pointer; font-weight: 600; padding: 0.3rem 0 }
summary:focus-visible { outline: 3px solid #1d5fc4; outline-offset: 2px } footer { color: var(--muted); margin-top: 2rem }
@media (max-width: 34rem) { th { width: 6rem } img.image { width: 96px; height: 96px } }
@media print { body { background: #fff } .sheet, tr { break-inside: avoid } }`;
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** What the page shows. */
export interface Page {
  title: string;
  rows: readonly (readonly string[])[];
  images: readonly SheetImage[];
  /** Regions of images with text, PNG. */
  text?: readonly Uint8Array[];
}

/**
 * Writes the page, which loads nothing from elsewhere. Only this user may read it: images of a
 * source are private, and text in them may name patients.
 */
export async function writePage(file: string, { title, rows, images, text = [] }: Page): Promise<void> {
  const isWarning = ([kind]: readonly string[]) => kind === 'warning';
  const warnings = rows.filter(isWarning).map(([, text = '']) => `<li>${escapeHtml(text)}</li>`);
  const facts = rows.filter((row) => !isWarning(row));
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    warnings.length > 0 ? `<h2>Warnings</h2>\n<ul class="warning">${warnings.join('')}</ul>` : '',
    table('What was found', facts.slice(0, LONG)),
    facts.length > LONG
      ? `<details><summary>${facts.length - LONG} more</summary>${table('More that was found', facts.slice(LONG))}</details>`
      : '',
    ...sheets(images),
    textSection(text),
    '<footer>This page loads nothing from elsewhere. It contains images: treat it as you treat them.</footer>',
  ];
  await writePrivateFile(
    file,
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n<title>${escapeHtml(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>\n${body.join('\n')}\n</main>\n</body>\n</html>\n`,
  );
}

function table(label: string, rows: readonly (readonly string[])[]): string {
  const lines = rows.map(([kind = '', ...cells]) => {
    const values = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`);
    return `<tr><th scope="row">${escapeHtml(kind)}</th>${values.join('')}</tr>`;
  });
  return `<table aria-label="${label}"><tbody>${lines.join('\n')}</tbody></table>`;
}

function sheets(images: readonly SheetImage[]): string[] {
  return [...new Set(images.map(({ name }) => name))].map((name) => {
    const own = images.filter((image) => image.name === name);
    const of = name === null ? 'the source' : `class ${name}`;
    const tags = own.map(({ png }, i) => imageTag(png, `Image ${i + 1} of ${own.length} of ${of}`));
    return `<h2>${escapeHtml(name ?? 'Images')}</h2>\n<div class="sheet">${tags.join('')}</div>`;
  });
}

function textSection(text: readonly Uint8Array[]): string {
  if (text.length === 0) return '';
  const regions = text.map((png, i) => imageTag(png, `Region ${i + 1} of ${text.length} with text`, 'text'));
  return `<h2>Text in images</h2>\n<p><strong>These regions may name patients: do not pass this page on.</strong> Set <code>preprocess.privacy.burnedIn</code> (<code>--privacy-burned-in</code>) to <code>crop</code> or <code>refuse</code>.</p>\n<div class="sheet">${regions.join('')}</div>`;
}

function imageTag(png: Uint8Array, alt: string, kind = 'image'): string {
  return `<img class="${kind}" alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">`;
}
