/** The window of 16-bit images: chosen from the data, for the whole data set. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import {
  assembleDataset,
  buildShard,
  openDataset,
  openSource,
  planDataset,
} from '../../../src/imaging/index.js';
import { chooseRange } from '../../../src/imaging/pixels/window-choice.js';
import type { PreprocessSpec } from '../../../src/spec/preprocess.js';
import { openStore } from '../../../src/storage/index.js';
import { preprocessSpec, withFolder } from '../../support/images.js';

test('auto chooses the depth that the values use, and says when it guesses', () => {
  for (const [highest, bits, isGuess] of [
    [200, 8, true],
    [1000, 10, true],
    [3760, 12, true],
    [4096, 14, true],
    [20_000, 16, true],
    [40_000, 16, false],
  ] as const) {
    const choice = chooseRange('auto', Uint16Array.from([0, 17, highest]));
    assert.deepEqual(choice.range, { low: 0, high: 2 ** bits - 1 });
    assert.equal(choice.isGuess, isGuess);
    assert.match(choice.reason, new RegExp(`${bits} bits.*${highest}`));
  }
});

test('a window that is set is used whatever the data', () => {
  const samples = Uint16Array.from({ length: 1001 }, (_, i) => i * 10);
  assert.deepEqual(chooseRange('full', samples).range, { low: 0, high: 65_535 });
  assert.deepEqual(chooseRange({ bits: 12 }, samples).range, { low: 0, high: 4095 });
  assert.deepEqual(chooseRange({ percentiles: [1, 99] }, samples).range, { low: 100, high: 9900 });
  assert.equal(chooseRange({ bits: 12 }, samples).isGuess, false);
});

/** Builds a data set of flat 16-bit images. @returns its window, and the first value of each */
async function build(values: readonly number[], window: PreprocessSpec['window']) {
  let result: { window: unknown; levels: number[] } = { window: null, levels: [] };
  await withFolder(async (folder) => {
    await mkdir(path.join(folder, 'images'));
    for (const [i, value] of values.entries()) {
      const file = sharp(new Uint16Array(400).fill(value), { raw: { width: 20, height: 20, channels: 1 } });
      const name = path.join(folder, 'images', `${String(i).padStart(3, '0')}.png`);
      await writeFile(name, await file.toColourspace('grey16').png().toBuffer());
    }
    const source = path.join(folder, 'images');
    const spec = preprocessSpec({
      source,
      labels: 'none',
      window,
      holdout: { fraction: 0, seed: 0, by: 'image' },
    });
    const store = openStore(path.join(folder, 'store'));
    const { digest, shards } = await planDataset(store, spec);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(source), spec, { digest, shard });
    const { prefix } = await assembleDataset(store, spec, digest);
    const dataset = await openDataset(store, prefix);
    const levels: number[] = [];
    for await (const { pixels } of dataset.images('train')) levels.push(pixels[0] as number);
    result = { window: dataset.manifest.window, levels: levels.sort((a, b) => a - b) };
  });
  return result;
}

test('12 bits stored in 16 are found, and all images of a data set get the same window', async () => {
  const { window, levels } = await build([0, 1000, 2048, 4095], 'auto');
  assert.deepEqual(levels, [0, 62, 128, 255]);
  assert.deepEqual(window, {
    range: { low: 0, high: 4095 },
    reason: '12 bits, since the highest value of a sample of the images is 4095',
    isGuess: true,
  });
});

test('16 bits keep their depth until the window: values that share their upper 8 bits differ', async () => {
  assert.deepEqual(
    (await build([1000, 1004, 1008, 1010], { percentiles: [0, 100] })).levels,
    [0, 102, 204, 255],
  );
  assert.deepEqual((await build([0, 32_768, 65_535], 'auto')).levels, [0, 128, 255]);
});
