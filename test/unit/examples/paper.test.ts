/** The page of the paper's experiments, from the results of small sweeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PaperResults, paperPage } from '../../../examples/paper/page.js';

const size = (images: number, mean: number, spread: number | null) => ({
  ...{ size: images, mean, spread, runs: spread === null ? 1 : 2, kimg: 20 },
  artifacts: { 'artifacts.unusual': images < 200 ? 0.614 : 0.2 },
});

const results = {
  knee: {
    analyses: [
      {
        analysis: 'classifiers',
        statement: 'The small classifier is right in 80 % of real images.',
        values: [
          ['small.accuracy.base', 0.8],
          ['small.accuracy.gan_train', 0.6],
          ['small.accuracy.gan_test', 0.85],
          ['small.classes_0_3.accuracy.base', 0.9],
          ['small.classes_0_3.accuracy.gan_train', 0.9],
          ['small.classes_0_3.accuracy.gan_test', 0.5],
        ].map(([name, value]) => ({ name, value })),
      },
    ],
  },
  sizes: {
    answers: [{ mode: 'base', text: 'More than 250 images buy little.' }],
    sizes: [size(100, 210.46, 3.21), size(400, 90, null)],
    missing: [{}],
  },
  transfer: { answers: [{ mode: 'transfer', text: 'Not determined.' }], sizes: [], missing: [] },
  tuning: {
    answer: { text: 'No setting is better than the default.' },
    settings: [{ label: 'the default', mean: 120, spread: 4, values: [116, 124] }],
    missing: [],
  },
} as unknown as PaperResults;

test('the page has our result beside the finding of the paper for each figure', () => {
  const page = paperPage(results);
  assert.match(
    page,
    /## Figure 4[^#]*\*\*Paper:\*\*[^#]*\*\*Here:\*\* No setting is better than the default\./,
  );
  assert.match(page, /\| the default \| 120 \| 4 \| 2 \|/);
  assert.match(
    page,
    /## Figure 5[^#]*more than 500 images are needed\.[^#]*More than 250 images buy little\./,
  );
  assert.match(page, /left out: 1\./);
  assert.match(page, /\| 100 \| 210\.5 \| 3\.21 \| 61 % \| 20 \| 2 \|/);
  assert.match(page, /\| 400 \| 90 \| {2}\| 20 % \| 20 \| 1 \|/);
});

test('table 2 has the differences to base as in the paper, ours below', () => {
  const page = paperPage(results);
  assert.match(page, /\| Inception \(paper\) \| 78\.36 \| 65\.87 \(-17\.3 %\) \| 74\.03 \(-5\.7 %\) \|/);
  assert.match(page, /\| small \(here\) \| 80\.00 \| 60\.00 \(-28\.6 %\) \| 85\.00 \(\+6\.1 %\) \|/);
  assert.match(page, /\| small, classes 0 and 3 \(here\) \| 90\.00 \| 90\.00 \(0\.0 %\) \| 50\.00 /);
});
