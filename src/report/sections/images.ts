/** Real and synthetic images side by side, shown alike. */
import { escapeHtml } from '../../core/escape-html.js';
import { figure, type Section } from '../elements.js';
import type { DrawnFigures } from '../drawn-figures.js';
import type { ReportInput } from '../report-input.js';

export function imagesSection(
  { dataset, classesNotShown }: Pick<ReportInput, 'dataset' | 'classesNotShown'>,
  { rows }: Pick<DrawnFigures, 'rows'>,
): Section {
  const pairs = rows.map(({ name, real, synthetic }) => {
    const label = name === null ? '' : `<h3>${escapeHtml(name)}</h3>`;
    const of = name ?? 'the data set';
    const cell = (picture: typeof real, kind: string) =>
      picture === undefined
        ? `<p class="missing">No ${kind} image of ${escapeHtml(of)}.</p>`
        : figure(picture, `Grid of ${kind} images of ${of}`, kind);
    return `${label}<div class="pair">${cell(real, 'real')}${cell(synthetic, 'synthetic')}</div>`;
  });
  const rest =
    classesNotShown > 0 ? `<p class="note">${classesNotShown} more classes are not shown here.</p>` : '';
  return {
    id: 'images',
    title: 'Real and synthetic images',
    body: `<p>${escapeHtml(exposure(dataset.window))} The real images are training images, in random order; none was chosen.</p>${pairs.join('')}${rest}`,
  };
}

function exposure(window: string | null): string {
  const common =
    'Both sides have the same exposure: black is 0 and white is 255 in every picture, and neither side was brightened or stretched for this page.';
  return window ? `${common} Before the training, ${window}; the generator learned from the result.` : common;
}
