/** The map of both sets: what it shows, how to read it, and its classes. */
import { escapeHtml } from '../../core/escape-html.js';
import type { DrawnFigures } from '../drawn-figures.js';
import type { Section } from '../elements.js';
import type { ReportInput } from '../report-input.js';

export function mapSection(
  { map }: Pick<ReportInput, 'map'>,
  drawn: NonNullable<DrawnFigures['map']>,
): Section {
  const panels = drawn.classes.map(
    ({ name, svg }) => `<figure>${svg}<figcaption>${escapeHtml(name)}</figcaption></figure>`,
  );
  const classes =
    panels.length > 0
      ? `<h3>Each class</h3><p>The images of one class; those of the others are the gray dots.</p><div class="panels">${panels.join('')}</div>`
      : '';
  return {
    id: 'map',
    title: 'Map of real and synthetic images',
    body: `<p>Each shape is an image; images that look alike to the extractor (${escapeHtml(map?.extractor ?? '')}) are near each other. Where synthetic images cover the same places as real ones, the two sets are alike. A place with real images only is a kind of image that the generator does not draw; a place with synthetic images only is a kind that does not exist.</p><figure class="drawing">${drawn.all}<figcaption>Only neighborhoods mean something: the axes have no unit, and long distances and sizes of groups are effects of the layout (UMAP), which may also join or separate groups by chance.</figcaption></figure>${classes}`,
  };
}
