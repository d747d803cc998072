/** Copies of images are found whatever their format and exposure, and kept on one side. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { RandomStream } from '../../../src/core/random.js';
import { HashIndex } from '../../../src/imaging/split/hash-index.js';
import { openSource, planDataset } from '../../../src/imaging/index.js';
import { readPlan } from '../../../src/imaging/dataset/plan-file.js';
import { splitSurvey, surveySource } from '../../../src/imaging/dataset/survey.js';
import type { PreprocessSpec } from '../../../src/spec/preprocess.js';
import { openStore } from '../../../src/storage/index.js';
import { preprocessSpec, withFolder } from '../../support/images.js';

const WIDTH = 120;
const HEIGHT = 150;

/** A joint: bright bones on a dark background, whose places and sizes differ by patient. */
function joint(patient: number): Sharp {
  const random = new RandomStream(patient, 'joint');
  const bones = Array.from({ length: 6 }, () => ({
    x: WIDTH * random.uniform(),
    y: HEIGHT * random.uniform(),
    size: 10 + 15 * random.uniform(),
    gray: 40 + 60 * random.uniform(),
  }));
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [column, row] = [i % WIDTH, Math.floor(i / WIDTH)];
    const shades = bones.map(
      ({ x, y, size, gray }) => gray * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * size ** 2)),
    );
    return Math.min(
      255,
      shades.reduce((sum, shade) => sum + shade, 15 + 8 * random.uniform()),
    );
  });
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace('b-w');
}

async function survey(source: string, keys: Partial<PreprocessSpec> = {}) {
  const spec = preprocessSpec({ source, ...keys });
  const opened = openSource(source);
  const found = await surveySource(opened, spec);
  const { split, duplicates } = await splitSurvey(opened, spec, found);
  const names = (indices: Iterable<number>) =>
    [...indices].map((i) => found.layout.paths.at(i) as string).sort();
  return { split, duplicates, names };
}

/** `count` joints of different patients in two classes. */
async function writeJoints(folder: string, count: number): Promise<void> {
  for (const name of ['a', 'b']) await mkdir(path.join(folder, name), { recursive: true });
  for (let i = 0; i < count; i++)
    await writeFile(path.join(folder, i % 2 ? 'a' : 'b', `${i}.png`), await joint(i).png().toBuffer());
}

test('different patients are no copies', () =>
  withFolder(async (folder) => {
    await writeJoints(folder, 60);
    const { duplicates } = await survey(folder);
    assert.deepEqual(duplicates.sets, []);
    assert.equal(duplicates.report.method, 'near');
  }));

test('copies with the same bytes are found and stay on one side', () =>
  withFolder(async (folder) => {
    await writeJoints(folder, 20);
    const png = await joint(100).png().toBuffer();
    for (let i = 0; i < 10; i++) await writeFile(path.join(folder, 'a', `copy${i}.png`), png);
    for (const method of ['auto', 'exact', 'near'] as const) {
      const { split, duplicates, names } = await survey(folder, { duplicates: method });
      assert.deepEqual(duplicates.report.exact, { sets: 1, images: 10 });
      const held = names(split.holdout).filter((name) => name.includes('copy')).length;
      assert.ok(held === 0 || held === 10);
    }
    const { report } = (await survey(folder, { duplicates: 'ignore' })).duplicates;
    assert.deepEqual([report.method, report.exact.sets], ['ignore', 0]);
  }));

test('images that were saved again, resized or exposed otherwise are found', () =>
  withFolder(async (folder) => {
    await writeJoints(folder, 30);
    const versions: [string, Sharp][] = [
      ['again.jpg', joint(5).jpeg({ quality: 60 })],
      ['small.png', joint(5).resize(80).png()],
      ['large.webp', joint(5).resize(400).webp({ quality: 80 })],
      ['bright.png', joint(5).linear(0.8, 40).png()],
    ];
    for (const [name, version] of versions)
      await writeFile(path.join(folder, 'a', name), await version.toBuffer());
    await writeFile(
      path.join(folder, 'b', 'mislabeled.png'),
      await joint(7).png({ compressionLevel: 1 }).toBuffer(),
    );
    const { split, duplicates, names } = await survey(folder);
    const sets = duplicates.sets.map(({ kind, images }) => [kind, names(images)]);
    assert.deepEqual(sets, [
      ['near', ['a/5.png', 'a/again.jpg', 'a/bright.png', 'a/large.webp', 'a/small.png']],
      ['near', ['a/7.png', 'b/mislabeled.png']],
    ]);
    assert.match(duplicates.notices.join(), /1 set of copies has more than one label/);
    for (const { images } of duplicates.sets) {
      const held = images.filter((i) => split.holdout.includes(i)).length;
      assert.ok(held === 0 || held === images.length);
    }
  }));

test('a source that holds every image twice has as many sets of copies, whatever the settings of pixels', () =>
  withFolder(async (folder) => {
    await writeJoints(folder, 24);
    for (let i = 0; i < 24; i++) {
      const copy = await joint(i).jpeg({ quality: 80 }).toBuffer();
      // Faults that do not change the pixels are refused by strict alone.
      await writeFile(path.join(folder, i % 2 ? 'a' : 'b', `${i}-again.jpg`), copy.subarray(0, -2));
    }
    const strong: Partial<PreprocessSpec> = {
      square: 'pad',
      autocrop: true,
      contrast: 'clahe',
      strict: true,
      window: 'full',
    };
    for (const keys of [{}, strong]) {
      const { duplicates } = await survey(folder, keys);
      assert.deepEqual(duplicates.report.near, { sets: 24, images: 48 });
      assert.deepEqual(duplicates.notices, []);
    }
  }));

test('many images that look alike are no copies, and a notice says so', () =>
  withFolder(async (folder) => {
    await writeJoints(folder, 10);
    for (let i = 0; i < 20; i++)
      await writeFile(
        path.join(folder, 'a', `phantom${i}.png`),
        await joint(3)
          .linear(1, i + 1)
          .png()
          .toBuffer(),
      );
    const { duplicates } = await survey(folder);
    assert.deepEqual(duplicates.sets, []);
    assert.match(duplicates.notices.join(), /images look alike, too many to be copies/);
  }));

test('the index finds every hash within seven bits', () => {
  const random = new RandomStream(0, 'hashes');
  const bits = () => Number(random.next() & 0xffffffffn);
  for (let round = 0; round < 200; round++) {
    const index = new HashIndex();
    const hash: [number, number] = [bits(), bits()];
    index.add(1, hash);
    const changed: [number, number] = [...hash];
    const flips = new Set(Array.from({ length: 7 }, () => random.integer(64)));
    for (const bit of flips) changed[bit >> 5] = ((changed[bit >> 5] as number) ^ (1 << (bit & 31))) >>> 0;
    assert.ok(index.near(changed).has(1));
    assert.equal(index.near([bits(), bits()]).size, 0);
  }
});

test('the plan counts copies and names none', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeJoints(source, 10);
    await writeFile(path.join(source, 'a', 'doe.png'), await joint(1).png().toBuffer());
    const store = openStore(path.join(folder, 'store'));
    const { digest } = await planDataset(store, preprocessSpec({ source }));
    const plan = await readPlan(store, digest);
    assert.deepEqual(plan.duplicates?.exact, { sets: 1, images: 2 });
    assert.ok(!JSON.stringify(plan).includes('doe'));
  }));
