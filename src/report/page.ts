/** The frame of an HTML page: self-contained, it loads and runs nothing. */
import { escapeHtml } from '../core/escape-html.js';
import { renderSection, type Section } from './elements.js';
import { STYLE } from './style.js';

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export interface Page {
  title: string;
  /** HTML below the title. */
  subtitle: string;
  sections: readonly Section[];
  /** What of the data set it shows. */
  holds: string;
}

export function renderPage({ title, subtitle, sections, holds }: Page): string {
  const shown = escapeHtml(title);
  const entries = sections.map(({ id, title: of }) => `<li><a href="#${id}">${escapeHtml(of)}</a></li>`);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${shown}</title><style>${STYLE}</style></head><body>`,
    '<a class="skip" href="#content">Skip to the content</a><div class="page">',
    `<header><h1>${shown}</h1><p class="muted">${subtitle}</p></header>`,
    `<nav aria-labelledby="contents"><h2 id="contents">Contents</h2><ul>${entries.join('')}</ul></nav>`,
    '<main id="content" tabindex="-1">',
    ...sections.map(renderSection),
    `</main><footer><p>Made by GIST. This page loads nothing from elsewhere and contains ${escapeHtml(holds)}: treat it as you treat the data set.</p></footer>`,
    '</div></body></html>\n',
  ].join('\n');
}
