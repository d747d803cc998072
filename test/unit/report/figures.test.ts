/** Figures of a report: curves, grids, maps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { curveSvg } from '../../../src/report/figures/curve.js';
import { grid } from '../../../src/report/figures/grid.js';
import { classMaps, mapSvg } from '../../../src/report/figures/map.js';
import { fitPictures, pictureOf } from '../../../src/report/figures/picture.js';
import { discPng, fullReport, noisePng } from '../../support/report-input.js';

const png = (value: number) =>
  sharp({ create: { width: 32, height: 32, channels: 3, background: { r: value, g: value, b: value } } })
    .png()
    .toBuffer();

test('the best snapshot is marked on the curve, and a single point gives no curve', async () => {
  const { curve } = await fullReport();
  const points = curve.filter(({ metric }) => metric === 'fd_effnetlite0');
  assert.match(curveSvg(curve, 'fd_effnetlite0', 8) ?? '', />best</);
  assert.match(curveSvg(curve, 'fd_effnetlite0', 8) ?? '', /from 100 at 4 kimg to 33.33 at 12 kimg/);
  assert.equal(curveSvg(points.slice(0, 1), 'fd_effnetlite0', 4), null);
});

test('a curve has a band where its metric has a spread, within its axes', async () => {
  const { curve } = await fullReport();
  assert.doesNotMatch(curveSvg(curve, 'fd_effnetlite0', 8) ?? '', /class="band"/);
  const svg = curveSvg(curve, 'kid_effnetlite0', 8) ?? '';
  const [, points = ''] = /class="band"[^>]* points="([^"]+)"/.exec(svg) ?? [];
  const band = points.split(' ').map((point) => Number(point.split(',')[1]));
  const lines = [...svg.matchAll(/y1="([^"]+)"/g)].map(([, y]) => Number(y));
  assert.equal(band.length, 6);
  assert.ok(band.every((y) => y >= Math.min(...lines) && y <= Math.max(...lines)));
});

test('small images are enlarged by an integer factor in a grid, large ones are made smaller', async () => {
  const sizeOf = async (image: Uint8Array | null) => {
    const { width, height } = await sharp(image ?? Buffer.alloc(0)).metadata();
    return [width, height];
  };
  assert.deepEqual(await sizeOf(await grid([await png(1), await png(2), await png(3)], 2)), [194, 194]);
  const large = await grid([await discPng(1024, 1), await discPng(1024, 2)], 2);
  assert.deepEqual(await sizeOf(large), [2 * 512 + 2, 512]);
  assert.equal(await grid([], 3), null);
});

test('real and synthetic images keep their gray values in a grid: one exposure for both', async () => {
  for (const value of [0, 10, 128, 255]) {
    const drawn = await grid([await png(value)], 1);
    const pixels = await sharp(drawn ?? Buffer.alloc(0))
      .raw()
      .toBuffer();
    assert.deepEqual([...new Set(pixels)], [value]);
  }
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

test('the map shows each set with a shape of its own, and each class in a panel', async () => {
  const { map } = await fullReport();
  assert.ok(map);
  const svg = mapSvg(map);
  assert.match(svg, /<title>[^<]*400 real, used in training, 200 real, unseen, 400 synthetic/);
  const shapes = (set: string) => new RegExp(`class="${set}"[^>]* d="([^"]+)"`).exec(svg)?.[1]?.match(/M/g);
  assert.equal(shapes('train')?.length, 400);
  assert.equal(shapes('holdout')?.length, 200);
  assert.equal(shapes('synthetic')?.length, 400);
  assert.deepEqual(
    classMaps(map).map(({ name }) => name),
    map.classes,
  );
  assert.deepEqual(classMaps({ ...map, classes: null }), []);
});

test('pictures lose pixels only when they do not fit, the largest first', async () => {
  const [small, large] = [await discPng(64, 1), await noisePng(400)];
  const asRgb = await sharp(large).toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();
  const pictures = [small, asRgb].map((bytes) => ({ type: 'png' as const, bytes }));
  const [, compressed] = await fitPictures(pictures, 10_000_000);
  assert.ok(compressed && compressed.bytes.length < asRgb.length / 2);
  assert.equal(compressed.isReduced, undefined);
  const gray = async (bytes: Uint8Array) => sharp(bytes).toColourspace('b-w').raw().toBuffer();
  assert.deepEqual(await gray(compressed.bytes), await gray(large), 'compressed without loss');
  const budget = small.length + Math.round(0.7 * compressed.bytes.length);
  const [kept, reduced] = await fitPictures(pictures, budget);
  assert.ok(kept?.bytes === small);
  assert.ok(reduced?.isReduced && small.length + reduced.bytes.length <= budget);
});

test('a figure is known by its content, not by its name', async () => {
  assert.equal(pictureOf(await png(1))?.type, 'png');
  assert.equal(pictureOf(Buffer.from('<?xml version="1.0"?>\n<svg xmlns="x"/>'))?.type, 'svg');
  assert.equal(pictureOf(Buffer.from('<html><svg></svg></html>')), null);
});
