/** Elements of the page: sections, figures, tables, levels. All text is escaped here. */
import type { Level } from '../spec/analyses.js';
import { escapeHtml } from '../core/escape-html.js';
import type { Picture } from './figures/picture.js';

export interface Section {
  /** Anchor of the table of contents. */
  id: string;
  title: string;
  /** HTML. */
  body: string;
}

export function renderSection({ id, title, body }: Section): string {
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeHtml(title)}</h2>${body}</section>`;
}

const LEVELS: Record<Level, { word: string; icon: string }> = {
  good: { word: 'No concern', icon: '<circle cx="8" cy="8" r="7"/><path d="M4.5 8.2l2.5 2.5 4.5-5"/>' },
  caution: { word: 'Read with care', icon: '<path d="M8 1.5l7 13H1z"/><path d="M8 6.5v4M8 12v.6"/>' },
  warning: {
    word: 'Warning',
    icon: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path d="M5.5 5.5l5 5M10.5 5.5l-5 5"/>',
  },
};

/** A level as icon, word and color. */
export function levelBadge(level: Level): string {
  const { word, icon } = LEVELS[level];
  return `<span class="level ${level}"><svg viewBox="0 0 16 16" aria-hidden="true">${icon}</svg>${word}</span>`;
}

export function image({ type, bytes }: Picture, alt: string): string {
  const kind = type === 'svg' ? 'svg+xml' : 'png';
  return `<img alt="${escapeHtml(alt)}" src="data:image/${kind};base64,${Buffer.from(bytes).toString('base64')}">`;
}

/** @param picture null where the file is missing, or where the page has no space for it */
export function figure(picture: Picture | null, alt: string, caption: string): string {
  const notes = picture?.isReduced ? ' <span class="note">Reduced in size for this page.</span>' : '';
  const body = picture ? image(picture, alt) : '<p class="missing">This picture is not on the page.</p>';
  return `<figure>${body}<figcaption>${escapeHtml(caption)}${notes}</figcaption></figure>`;
}

/** A wide table scrolls by itself, also by keyboard. */
export function scrollArea(label: string, table: string): string {
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(`Table: ${label}`)}">${table}</div>`;
}

export function details(summary: string, body: string): string {
  return `<details><summary>${escapeHtml(summary)}</summary>${body}</details>`;
}

export function list(items: readonly string[], kind: 'ul' | 'ol' = 'ul'): string {
  if (items.length === 0) return '';
  return `<${kind}>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</${kind}>`;
}

/** Above this number of lines a list is folded. */
const LONG = 12;

/** A list that is folded when it is long. */
export function foldedList(summary: string, items: readonly string[]): string {
  return items.length > LONG ? details(`${summary} (${items.length})`, list(items)) : list(items);
}

/** Pairs of a label and a value. */
export function factTable(label: string, rows: readonly (readonly [string, string])[], code = false): string {
  const cell = (value: string) => (code ? `<code>${escapeHtml(value)}</code>` : escapeHtml(value));
  const body = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name.trim())}</th><td>${cell(value)}</td></tr>`,
  );
  return scrollArea(
    label,
    `<table class="facts"><caption class="hidden">${escapeHtml(label)}</caption><tbody>${body.join('')}</tbody></table>`,
  );
}
