/** Parts of the HTML pages of sweeps and comparisons: self-contained, all input text escaped. */
import { escapeHtml } from '../report/escape.js';
import { STYLE } from '../report/style.js';
import type { Cell } from './csv.js';

/** @param sections HTML */
export function page(title: string, subtitle: string, sections: readonly string[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src \'unsafe-inline\'">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>`,
    `<header><h1>${escapeHtml(title)}</h1><p class="muted">${escapeHtml(subtitle)}</p></header>`,
    ...sections,
    '</main></body></html>\n',
  ].join('\n');
}

/** @param body HTML */
export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

export function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
}

/** The first column heads its row. */
export function tableHtml(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map((column) => `<th>${escapeHtml(column)}</th>`).join('');
  const body = rows.map(([first, ...others]) => {
    const cells = others.map((cell) =>
      typeof cell === 'number'
        ? `<td class="number">${Number(cell.toPrecision(4))}</td>`
        : `<td>${escapeHtml(cell ?? '')}</td>`,
    );
    return `<tr><th scope="row">${escapeHtml(String(first ?? ''))}</th>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

export function pngFigure(png: Uint8Array, caption: string): string {
  const data = Buffer.from(png).toString('base64');
  return `<figure><img alt="${escapeHtml(caption)}" src="data:image/png;base64,${data}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

export function svgFigure(svg: string): string {
  return `<figure class="curve">${svg}</figure>`;
}

export function strip(figures: readonly string[]): string {
  return `<div class="strip">${figures.join('')}</div>`;
}
