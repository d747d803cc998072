/** The section that comes first: the conclusion, and the words that the report uses. */
import { escapeHtml } from '../../core/escape-html.js';
import { details, levelBadge, list, type Section } from '../elements.js';
import type { Conclusion } from '../../spec/results.js';

/** Each term is explained here, once. */
const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ['Generator', 'The trained network. It draws new images from random numbers.'],
  ['Synthetic image', 'An image that the generator has drawn; it was not taken of a patient.'],
  ['Training images', 'The real images that the generator learned from.'],
  [
    'Unseen images (holdout)',
    'Real images that were set aside before the training. Only they can tell whether the generator does more than repeat.',
  ],
  [
    'Two real sets',
    'The same measure between training images and unseen images, which are all real. No generator can be expected to be better: read every value beside it.',
  ],
  [
    'Interval (95 %)',
    'The range in which the value would most likely be with other images of the same kind. Two values whose intervals overlap may be equal.',
  ],
  [
    'Fréchet distance (FD, FID)',
    'How far two sets of images are apart as a whole, as a network sees them. Lower is closer.',
  ],
  ['Kernel distance (KID)', 'The same idea, made for small numbers of images. About 0 for equal sets.'],
  [
    'Precision, recall',
    'How many synthetic images look real; how much of the variety of real images is reached.',
  ],
  ['Extractor', 'The network that turns an image into numbers (features), which the measures compare.'],
  ['kimg', 'Thousands of real images that the networks have seen during the training.'],
];

export function summarySection({ level, headline, shows, limits }: Conclusion): Section {
  const words = WORDS.map(([word, meaning]) => `<dt>${escapeHtml(word)}</dt><dd>${escapeHtml(meaning)}</dd>`);
  return {
    id: 'summary',
    title: 'In short',
    body: [
      levelBadge(level),
      `<p class="headline">${escapeHtml(headline)}</p>`,
      `<h3>What this shows</h3>${list(shows)}`,
      `<h3>What this does not show</h3>${list(limits)}`,
      details('Words used in this report', `<dl>${words.join('')}</dl>`),
    ].join(''),
  };
}
