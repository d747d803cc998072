/** Shows any analysis: statement, values, tables, figures, advice and caveats. */
import type { AnalysisFigure, AnalysisResult, AnalysisTable, AnalysisValue } from '../../spec/analyses.js';
import { escapeHtml } from '../../core/escape-html.js';
import { details, figure, levelBadge, list, scrollArea, type Section } from '../elements.js';
import type { Picture } from '../figures/picture.js';
import { shownMeasure, shownNumber } from '../metric-rows.js';
import { SHADES } from '../style.js';

/** Tables with more rows, and figures beyond this number, are folded. */
const LONG_TABLE = 15;
const SHOWN_FIGURES = 6;

export function analysisSection(result: AnalysisResult, pictures: ReadonlyMap<string, Picture>): Section {
  const { analysis, title, level, statement, values, tables, figures, advice, caveats } = result;
  const shown = figures.slice(0, SHOWN_FIGURES);
  const more = figures.slice(SHOWN_FIGURES);
  return {
    id: `analysis-${analysis}`,
    title,
    body: [
      levelBadge(level),
      `<p class="headline">${escapeHtml(statement)}</p>`,
      values.length > 0 ? valueTable(title, values) : '',
      gallery(shown, pictures),
      more.length > 0 ? details(`More figures (${more.length})`, gallery(more, pictures)) : '',
      ...tables.filter(({ rows }) => rows.length > 0).map(foldedTable),
      advice.length > 0 ? `<h3>What usually helps</h3>${list(advice)}` : '',
      caveats.length > 0 ? `<h3>To know beside the numbers</h3>${list(caveats)}` : '',
    ].join(''),
  };
}

function valueTable(title: string, values: readonly AnalysisValue[]): string {
  const hasFloors = values.some(({ floor }) => floor !== undefined);
  const rows = values.map(({ name, title: of, value, interval, floor, text, digits }) => {
    const floorCell = hasFloors
      ? `<td class="number">${floor === undefined ? '' : shownNumber(floor, digits)}</td>`
      : '';
    return `<tr><th scope="row">${escapeHtml(of)}<br><code>${escapeHtml(name)}</code></th><td class="number">${shownMeasure({ value, interval: interval ?? null }, digits)}</td>${floorCell}<td>${escapeHtml(text)}</td></tr>`;
  });
  const floorHead = hasFloors ? '<th scope="col" class="number">Real images</th>' : '';
  return scrollArea(
    `Values: ${title}`,
    `<table class="metrics"><caption class="hidden">${escapeHtml(`Values: ${title}`)}</caption><thead><tr><th scope="col">Measure</th><th scope="col" class="number">Value</th>${floorHead}<th scope="col">What it says</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

function gallery(figures: readonly AnalysisFigure[], pictures: ReadonlyMap<string, Picture>): string {
  if (figures.length === 0) return '';
  const drawn = figures.map(({ title, caption, alt, file }) => {
    const text = title === caption || title === '' ? caption : `${title}. ${caption}`;
    return figure(pictures.get(file) ?? null, alt, text);
  });
  return `<div class="extra">${drawn.join('')}</div>`;
}

function foldedTable(table: AnalysisTable): string {
  const html = tableOf(table);
  return table.rows.length > LONG_TABLE ? details(`${table.title} (${table.rows.length} rows)`, html) : html;
}

function tableOf({ title, columns, rows, digits, kind }: AnalysisTable): string {
  const isMatrix = kind === 'matrix';
  const shade = isMatrix ? shading(rows) : () => '';
  const isNumeric = (column: number) => rows.some((row) => typeof row[column] === 'number');
  const head = columns.map(
    (column, i) =>
      `<th scope="col"${isNumeric(i) && !isMatrix ? ' class="number"' : ''}>${escapeHtml(column)}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      if (i === 0 && typeof cell !== 'number') return `<th scope="row">${escapeHtml(cell ?? '')}</th>`;
      if (typeof cell !== 'number') return `<td>${escapeHtml(cell ?? '')}</td>`;
      const kindOf = isMatrix ? shade(cell) : 'number';
      return `<td class="${kindOf}">${shownNumber(cell, digits)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return scrollArea(
    title,
    `<table${isMatrix ? ' class="matrix"' : ''}><caption>${escapeHtml(title)}</caption><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`,
  );
}

/** The class of a cell by its number: between the lowest, at most 0, and the highest one. */
function shading(rows: AnalysisTable['rows']): (cell: number) => string {
  const numbers = rows.flat().filter((cell) => typeof cell === 'number' && Number.isFinite(cell)) as number[];
  const low = numbers.reduce((a, b) => Math.min(a, b), 0);
  const high = numbers.reduce((a, b) => Math.max(a, b), low);
  return (cell) => {
    if (!Number.isFinite(cell)) return 'shade0';
    const part = high > low ? (cell - low) / (high - low) : 0;
    return `shade${Math.min(SHADES.length - 1, Math.floor(part * SHADES.length))}`;
  };
}
