/** Parts of the pages of sweeps and comparisons that the report of a run has not. */
import { image, scrollArea, type Section } from '../report/elements.js';
import { escapeHtml } from '../core/escape-html.js';
import { renderPage } from '../report/page.js';
import type { Cell } from './csv.js';

/** @param subtitle text */
export function page(title: string, subtitle: string, sections: readonly Section[]): string {
  return renderPage({ title, subtitle: escapeHtml(subtitle), sections, holds: 'synthetic images' });
}

/** @param body HTML */
export function section(title: string, body: string): Section {
  const id = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return { id, title, body };
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

/**
 * The first column heads its row.
 *
 * @param label says what the table is, for screen readers
 */
export function tableHtml(
  label: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('');
  const body = rows.map(([first, ...others]) => {
    const cells = others.map((cell) =>
      typeof cell === 'number'
        ? `<td class="number">${Number(cell.toPrecision(4))}</td>`
        : `<td>${escapeHtml(cell ?? '')}</td>`,
    );
    return `<tr><th scope="row">${escapeHtml(String(first ?? ''))}</th>${cells.join('')}</tr>`;
  });
  return scrollArea(label, `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`);
}

export function pngFigure(bytes: Uint8Array, caption: string): string {
  return `<figure>${image({ type: 'png', bytes }, caption)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

export function svgFigure(svg: string): string {
  return `<figure class="drawing">${svg}</figure>`;
}

export function strip(figures: readonly string[]): string {
  return `<div class="strip">${figures.join('')}</div>`;
}
