/** A page with what was found and a contact sheet: a few images of each class. */
import { rm, writeFile } from 'node:fs/promises';

/** One image of the sheet. */
export interface SheetImage {
  /** Class, or null when unlabeled. */
  name: string | null;
  png: Uint8Array;
}

/** Number of images of each class. */
export const SHEET_IMAGES = 12;

const STYLE = `body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
td { padding: 0.1rem 1rem 0.1rem 0; vertical-align: top }
img { width: 128px; height: 128px; margin: 2px; image-rendering: auto; background: #000 }
img.text { width: auto; height: auto; max-width: 100%; min-height: 24px; display: block }`;

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
  const names = [...new Set(images.map(({ name }) => name))];
  const sheets = names.map((name) => {
    const own = images.filter((image) => image.name === name).map(({ png }) => imageTag(png));
    return `<h2>${escaped(name ?? 'Images')}</h2>\n<p>${own.join('')}</p>`;
  });
  const table = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`);
  const body = `<h1>${escaped(title)}</h1>\n<table>${table.join('\n')}</table>\n${sheets.join('\n')}${textSection(text)}`;
  await rm(file, { force: true });
  await writeFile(
    file,
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${escaped(title)}</title>\n<style>${STYLE}</style>\n${body}\n</html>\n`,
    { mode: 0o600 },
  );
}

function textSection(text: readonly Uint8Array[]): string {
  if (text.length === 0) return '';
  const regions = text.map((png) => imageTag(png, 'text'));
  return `\n<h2>Text in images</h2>\n<p><strong>These regions may name patients: do not pass this page on.</strong> Set <code>preprocess.privacy.burnedIn</code> (<code>--privacy-burned-in</code>) to <code>crop</code> or <code>refuse</code>.</p>\n<p>${regions.join('')}</p>`;
}

function imageTag(png: Uint8Array, kind = ''): string {
  return `<img alt=""${kind && ` class="${kind}"`} src="data:image/png;base64,${Buffer.from(png).toString('base64')}">`;
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character] as string);
}
