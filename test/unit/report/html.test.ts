/** The page of a report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { curveSvg } from '../../../src/report/figures/curve.js';
import { grid } from '../../../src/report/figures/grid.js';
import { renderHtml } from '../../../src/report/html.js';
import type { ReportInput } from '../../../src/report/report-input.js';
import { parseSpec } from '../../../src/spec/parse.js';

const MALICIOUS = '<script>alert("x")</script>';

const png = (value: number) =>
  sharp({ create: { width: 32, height: 32, channels: 3, background: { r: value, g: value, b: value } } })
    .png()
    .toBuffer();

async function input(): Promise<ReportInput> {
  return {
    runId: 'knees-1',
    spec: parseSpec({ name: 'knees', preprocess: { source: '/data/knees' } }),
    createdAt: '2026-01-01T00:00:00.000Z',
    metrics: {
      'fd_effnetlite0.holdout': 41.234,
      'fd_effnetlite0.train_vs_holdout': 20.1,
      'images.holdout': 120,
      'images.synthetic': 480,
    },
    caveats: ['Few images.'],
    extractors: { effnetlite0: 'effnetlite0-v2' },
    intervals: {},
    analyses: [],
    rows: [{ name: MALICIOUS, real: [await png(10)], synthetic: [await png(200)] }],
    progression: [{ kimg: 4, png: await png(90) }],
    curve: [
      { kimg: 4, metric: 'fd_effnetlite0', value: 90 },
      { kimg: 8, metric: 'fd_effnetlite0', value: 60 },
    ],
    bestKimg: 8,
    dataset: {
      digest: 'd',
      resolution: 32,
      train: 480,
      holdout: 120,
      rejected: [MALICIOUS],
      findings: [
        [`  0  ${MALICIOUS}`, '480 training, 120 holdout'],
        ['warning', 'values 0 to 4095 become 0 to 255'],
      ],
    },
    synthetic: { digest: 's', images: 480 },
    lineage: [['Checkpoint', 'runs/x']],
  };
}

test('the page loads and runs nothing, whatever the names of classes and files', async () => {
  const report = await input();
  const svg = curveSvg(report.curve, 'fd_effnetlite0', 8) ?? '';
  const html = renderHtml(report, {
    rows: [{ name: MALICIOUS, real: report.rows[0]?.real[0] ?? null, synthetic: null }],
    progression: report.progression,
    curves: [{ metric: 'fd_effnetlite0', svg }],
  });
  assert.ok(!html.includes('<script'));
  assert.ok(html.includes('<strong>Warning:</strong> values 0 to 4095 become 0 to 255'));
  assert.ok(html.includes('&lt;script&gt;'));
  const addresses = html.match(/(?:src|href)="([^"]*)"/g) ?? [];
  assert.ok(
    addresses.length > 0 && addresses.every((address) => address.startsWith('src="data:image/png;base64,')),
  );
});

test('every metric is shown with its full name, its explanation and the number of images', async () => {
  const html = renderHtml(await input(), { rows: [], progression: [], curves: [] });
  for (const name of ['fd_effnetlite0.holdout', 'fd_effnetlite0.train_vs_holdout', 'images.holdout'])
    assert.ok(html.includes(name));
  assert.match(html, /41\.23/);
  assert.match(html, /not used in training/);
  assert.match(html, /480 synthetic images, 120 holdout images; effnetlite0/);
  assert.match(html, />41\.23<\/td><td class="number">20\.10</, 'beside the value of real sets');
  assert.match(html, /effnetlite0-v2/);
});

test('the best snapshot is marked on the curve, and a single point gives no curve', async () => {
  const { curve } = await input();
  assert.match(curveSvg(curve, 'fd_effnetlite0', 8) ?? '', />best</);
  assert.equal(curveSvg(curve.slice(0, 1), 'fd_effnetlite0', 4), null);
});

test('small images are enlarged by an integer factor in a grid', async () => {
  const image = await grid([await png(1), await png(2), await png(3)], 2);
  const { width, height } = await sharp(image ?? Buffer.alloc(0)).metadata();
  assert.deepEqual([width, height], [2 * 96 + 2, 2 * 96 + 2]);
  assert.equal(await grid([], 3), null);
});

test('a curve with negative values stays inside its axes', () => {
  const values = [0.02, -0.0004, -0.003];
  const curve = values.map((value, i) => ({ kimg: 4 * (i + 1), metric: 'kid_effnetlite0', value }));
  for (const points of [curve, curve.slice(1)]) {
    const svg = curveSvg(points, 'kid_effnetlite0', 12) ?? '';
    assert.ok(!svg.includes('NaN'));
    const heights = [...svg.matchAll(/cy="([^"]+)"/g)].map(([, y]) => Number(y));
    const lines = [...svg.matchAll(/y1="([^"]+)"/g)].map(([, y]) => Number(y));
    assert.ok(heights.every((y) => y >= Math.min(...lines) && y <= Math.max(...lines)));
  }
});

test('rejected images are counted by reason, and not named', async () => {
  const report = await input();
  report.dataset.rejected = Array.from({ length: 150 }, (_, i) => (i % 3 ? 'is corrupt' : 'is truncated'));
  const html = renderHtml(report, { rows: [], progression: [], curves: [] });
  assert.match(html, /150 images could not be read/);
  assert.match(html, /100: is corrupt.*50: is truncated/);
});
