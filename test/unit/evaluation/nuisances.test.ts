/** The nuisance that was planted is named first. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { AnalysisResult } from '../../../src/spec/analyses.js';
import { RandomStream } from '../../../src/core/random.js';
import { type AnalyzedSet, drawn, subsetOf } from '../../../src/evaluation/analyses/analyzed-set.js';
import { firstRows } from '../../../src/evaluation/metrics/feature-matrix.js';
import { nuisances } from '../../../src/evaluation/nuisances/nuisances.js';
import { analyzed, phantomPixels, quiet, setsOf } from '../../support/analyzed-phantoms.js';
import { PLANTED } from '../../support/planted-nuisances.js';

const SIDE = 32;
const IMAGES = 40;

describe('nuisances', () => {
  let train: AnalyzedSet;
  let other: Uint8Array[];
  /** The same with a background that is exactly black, on which a haze shows. */
  let onBlack: { train: AnalyzedSet; other: Uint8Array[] };

  before(async () => {
    const real = await phantomPixels(IMAGES, 1, SIDE);
    train = await analyzed(real);
    other = await phantomPixels(IMAGES, 2, SIDE);
    const blackened = (images: Uint8Array[]) => images.map((p) => p.map((value) => (value < 70 ? 0 : value)));
    onBlack = { train: await analyzed(blackened(real)), other: blackened(other) };
  });

  for (const [name, plant] of Object.entries(PLANTED))
    test(`of a planted difference in ${name}, ${name} explains most`, async () => {
      const random = new RandomStream(3, name);
      const real = name === 'background' ? onBlack : { train, other };
      const fake = await analyzed(real.other.map((pixels) => plant(pixels, SIDE, random)));
      const kept = new Map<string, Uint8Array>();
      const result = await nuisances(setsOf(real.train, null, fake), {
        keep: async (file, bytes) => void kept.set(file, bytes),
        onProgress: quiet,
      });
      const [first] = result.values;
      assert.equal(first?.name, name, result.statement);
      assert.ok((first?.value ?? 0) > 0.1, result.statement);
      // The same change hardly moves two halves of the real images.
      assert.ok(Math.abs(first?.floor ?? 1) < (first?.value ?? 0) / 2, `${first?.floor}`);
      assert.ok(result.advice.length > 0);
      assert.ok(kept.has(`figures/nuisance-${name}.png`));
    });

  test('of a set with other shares of the classes, class balance explains most', async () => {
    const [real, fake] = [labeled(100, (i) => i % 2, 1), labeled(400, (i) => (i % 40 < 4 ? 1 : 0), 2)];
    // No change of pixels changes these features: they depend on the class alone.
    const extract = async (images: AsyncIterable<unknown>) => {
      let count = 0;
      for await (const _ of images) count++;
      return firstRows(count > 50 ? fake.features : real.features, count);
    };
    const sets = { train: real, holdout: null, synthetic: fake, classes: ['a', 'b'], extract };
    const result = await nuisances(sets, { keep: null, onProgress: quiet });
    assert.equal(result.values[0]?.name, 'classes', result.statement);
    assert.ok((result.values[0]?.value ?? 0) > 0.8, result.statement);
  });

  test('of a set that has its four classes in turn, images of each are looked at', () => {
    assert.deepEqual([...new Set(Array.from(drawn(480, 120), (i) => i % 4))].sort(), [0, 1, 2, 3]);
  });

  test('between two sets of real images there is nothing to explain', async () => {
    const result = await run(await analyzed(other));
    assert.equal(result.level, 'good');
    assert.match(result.statement, /no distance to explain/);
  });

  test('too few images and constant images give a result that says so', async () => {
    const few = subsetOf(train, Int32Array.of(0, 1, 2));
    assert.match((await run(few)).statement, /too few/);
    const black = await analyzed(Array.from({ length: 24 }, () => new Uint8Array(SIDE * SIDE)));
    const result = await run(black);
    assert.ok(result.values.every(({ value }) => Number.isFinite(value)));
  });

  function run(fake: AnalyzedSet): Promise<AnalysisResult> {
    return nuisances(setsOf(train, null, fake), { keep: null, onProgress: quiet });
  }
});

/** Gray images of one value with features of their class. */
function labeled(images: number, classOf: (i: number) => number, seed: number): AnalyzedSet {
  const random = new RandomStream(seed, 'features');
  const labels = Int32Array.from({ length: images }, (_, i) => classOf(i));
  const columns = 8;
  const data = Float32Array.from(
    { length: images * columns },
    (_, i) => 3 * (labels[Math.floor(i / columns)] as number) + random.normal(),
  );
  const pixels = { read: async () => new Uint8Array(SIDE * SIDE).fill(100) };
  return { images, side: SIDE, channels: 1, labels, features: { rows: images, columns, data }, pixels };
}
