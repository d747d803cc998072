/** How bright the images of a data set are, and how large those of its source. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  describeExposure,
  type Exposure,
  ExposureCounter,
  levelAt,
} from '../../../src/imaging/dataset/exposure.js';
import {
  assembleDataset,
  buildShard,
  findingRows,
  openDataset,
  openSource,
  planDataset,
} from '../../../src/imaging/index.js';
import { exposureOf } from '../../../src/imaging/pixels/image-facts.js';
import { exposureSvg } from '../../../src/report/figures/exposure.js';
import { openStore } from '../../../src/storage/index.js';
import { grayPng, preprocessSpec, withFolder } from '../../support/images.js';

test('percentiles of a histogram are those of the values, within a bin', () => {
  const counter = new ExposureCounter();
  for (let level = 0; level < 256; level++) counter.addImage(2, exposureOf(Uint8Array.of(level, level)));
  const [exposure] = counter.exposures;
  assert.ok(exposure);
  assert.deepEqual(
    [exposure.label, exposure.images, exposure.means[0], exposure.levels[31]],
    [2, 256, 8, 16],
  );
  for (const percent of [5, 50, 95])
    assert.ok(Math.abs(levelAt(exposure.means, percent) - 2.55 * percent) <= 8, `${percent}`);
  assert.equal(
    describeExposure(exposure),
    'median of mean levels 124 (12 to 244 in 9 of 10 images), 98 % of pixels 4 to 252',
  );
});

test('a data set has the exposure of each class and side once, the sizes of its source, and a figure', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    const levels = { dark: 20, bright: 220 };
    for (const [name, level] of Object.entries(levels)) {
      await mkdir(path.join(source, name), { recursive: true });
      for (let i = 0; i < 12; i++)
        await writeFile(path.join(source, name, `${i}.png`), await grayPng(level + i, 10 + i, 30));
    }
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source, mirror: true, shardImages: 5 });
    const { digest, shards } = await planDataset(store, spec);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(source), spec, { digest, shard });
    const { prefix } = await assembleDataset(store, spec, digest);
    const { manifest } = await openDataset(store, prefix);
    const { exposure, sizes, classes } = manifest;
    assert.ok(exposure);
    assert.deepEqual(classes, ['bright', 'dark']);
    for (const label of [0, 1]) {
      const train: Exposure | undefined = exposure.train[label];
      const holdout: Exposure | undefined = exposure.holdout[label];
      assert.equal((train?.images ?? 0) + (holdout?.images ?? 0), 12);
      const mean = levelAt(train?.means ?? [], 50);
      assert.ok(label === 0 ? mean > 215 : mean < 40, `${mean}`);
    }
    assert.deepEqual(sizes, {
      least: { width: 10, height: 30 },
      most: { width: 21, height: 30 },
      enlarged: 12,
    });
    const rows = findingRows(manifest).map((row) => row.join(': '));
    assert.ok(
      rows.includes('source: 10 x 30 to 21 x 30 pixels; 12 images below 16 were enlarged'),
      rows.join(),
    );
    assert.ok(rows.some((row) => /^exposure: dark, training: median of mean levels \d\d /.test(row)));
    const svg = exposureSvg({ classes: ['<b>', 'dark'], ...exposure }) ?? '';
    assert.match(svg, /^<svg .*&lt;b&gt;.*dark.*holdout.*<\/svg>$/);
    assert.equal(exposureSvg({ classes: null, train: [], holdout: [] }), null);
  }));
