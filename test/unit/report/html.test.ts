/** The page of a report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conclude } from '../../../src/report/conclusion.js';
import { drawFigures } from '../../../src/report/drawn-figures.js';
import { renderHtml } from '../../../src/report/html.js';
import type { ReportInput } from '../../../src/report/report-input.js';
import { SHADES } from '../../../src/report/style.js';
import { ANALYSES, discPng, fullReport, noisePng } from '../../support/report-input.js';

const MALICIOUS = '<script>alert("x")</script>';
const PAGE_BYTES = 10_000_000;

async function page(change: Partial<ReportInput> = {}): Promise<string> {
  const input = { ...(await fullReport()), ...change };
  return renderHtml(input, await drawFigures(input), conclude(input));
}

test('the page loads and runs nothing, whatever the names of classes and files', async () => {
  const input = await fullReport();
  const [first, ...others] = ANALYSES as [(typeof ANALYSES)[number], ...typeof ANALYSES];
  const html = await page({
    rows: [{ name: MALICIOUS, real: [await discPng(32, 1)], synthetic: [] }],
    map: input.map && { ...input.map, classes: [MALICIOUS] },
    dataset: { ...input.dataset, classes: [MALICIOUS], rejected: [MALICIOUS], findings: [['x', MALICIOUS]] },
    analyses: [
      {
        ...first,
        title: MALICIOUS,
        statement: MALICIOUS,
        advice: [MALICIOUS],
        tables: [
          { title: MALICIOUS, columns: [MALICIOUS], rows: [[MALICIOUS], [1]], digits: 1, kind: 'matrix' },
        ],
      },
      ...others,
    ],
  });
  assert.ok(!html.includes('<script'));
  assert.ok(html.includes('&lt;script&gt;'));
  const addresses = html.match(/(?:src|href)="([^"]*)"/g) ?? [];
  assert.ok(addresses.length > 20);
  for (const address of addresses)
    assert.match(address, /^(src="data:image\/(png|svg\+xml);base64,|href="#)/);
});

test('every metric has its full name, explanation, interval, images, extractor and real value', async () => {
  const html = await page();
  const { metrics } = await fullReport();
  for (const name of Object.keys(metrics).filter((name) => !/^(images|memorization)/.test(name)))
    assert.ok(html.includes(`<code>${name}</code>`), name);
  assert.match(html, /480 synthetic images, 120 holdout images; effnetlite0/);
  assert.match(
    html,
    />41\.23<span class="range">39\.10 to 44\.70<\/span><\/td><td class="number">20\.10<span class="range">18\.80 to 22\.40/,
  );
  assert.match(html, /effnetlite0-v2/);
  assert.match(html, /Fréchet distance to unseen real images <span class="note">\(note 1\)/);
});

test('values of each class, lines to infinitely many images and moved inputs are shown', async () => {
  const html = await page();
  assert.match(html, /<summary>By class<\/summary>/);
  assert.match(html, /62\.00<span class="range">52\.00 to 72\.00</);
  assert.match(
    html,
    /infinitely many images were found<\/summary>.*<svg[^>]*aria-label="fd_effnetlite0\.holdout/s,
  );
  assert.match(html, /<h3>Moved inputs<\/h3>.*<img alt="eqt: /);
  const plain = await page({ fits: undefined, classes: undefined, pictures: undefined });
  assert.doesNotMatch(plain, /By class|<h3>Moved inputs|infinitely many/);
});

test('each analysis has its level in words, values, tables and figures, in a fixed order', async () => {
  const html = await page();
  const order = [...html.matchAll(/<section id="analysis-(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(order, ['memorization', 'artifacts', 'nuisances', 'classifiers']);
  for (const { statement, advice, caveats, figures } of ANALYSES)
    for (const text of [statement, ...advice, ...caveats, ...figures.map(({ alt }) => alt)])
      if (text !== 'missing') assert.ok(html.includes(text), text);
  for (const word of ['No concern', 'Read with care', 'Warning'])
    assert.ok(html.includes(`</svg>${word}</span>`));
  assert.match(html, /This picture is not on the page/, 'a figure whose file is missing');
  assert.match(html, /<summary>More figures \(2\)<\/summary>/);
  assert.match(html, /<summary>Worst images \(30 rows\)<\/summary>/);
});

test('cells of a matrix are shaded from the lowest number to the highest, and can be read', async () => {
  const html = await page();
  assert.match(html, /<td class="shade9">32<\/td>/);
  assert.match(html, /<td class="shade0">1<\/td>/);
  for (const [background, text] of SHADES)
    assert.ok(contrast(background, text) >= 4.5, `${text} on ${background}`);
});

test('a page of many large images stays below 10 MB and shows all of them', async () => {
  const input = await fullReport();
  const noise = await noisePng(1024);
  const row = (name: string) => ({ name, real: Array(6).fill(noise), synthetic: Array(6).fill(noise) });
  const rows = ['a', 'b'].map(row);
  const html = await page({
    ...input,
    rows,
    progression: [4, 8, 12].map((kimg) => ({ kimg, png: noise })),
    analysisFigures: {
      ...input.analysisFigures,
      'figures/memorization-0.png': { type: 'png', bytes: noise },
    },
  });
  assert.ok(html.length < PAGE_BYTES, `${html.length} bytes`);
  assert.equal(html.match(/alt="Grid of/g)?.length, 4);
  assert.match(html, /Reduced in size for this page/);
});

test('rejected images are counted by reason, and not named', async () => {
  const html = await page();
  assert.match(html, /150 images could not be read/);
  assert.match(html, /100: is corrupt.*50: is truncated/);
});

test('a run without training, holdout, labels and metrics gives a page that says what is missing', async () => {
  const input = await fullReport();
  const html = await page({
    metrics: { 'images.train': 5 },
    caveats: [],
    extractors: {},
    intervals: {},
    analyses: [],
    figures: [],
    rows: [{ name: null, real: [await discPng(32, 1)], synthetic: [] }],
    map: null,
    progression: [],
    curve: [],
    gaps: [],
    bestKimg: null,
    dataset: { ...input.dataset, classes: null, holdout: 0, window: null, rejected: [], findings: [] },
    isTrained: false,
  });
  for (const text of [
    'There are no metrics.',
    'No real images were held out',
    'Nothing here searches for copies of single training images',
    'No synthetic image of the data set',
  ])
    assert.ok(html.includes(text), text);
  const settings = /<pre.*?<\/pre>/s;
  for (const text of ['undefined', 'NaN', 'null', 'was trained on 480'])
    assert.ok(!html.replace(settings, '').includes(text), text);
  for (const id of ['map', 'training', 'figures']) assert.ok(!html.includes(`id="${id}"`), id);
});

/** WCAG 2.2, contrast ratio. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
