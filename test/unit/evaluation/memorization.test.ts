/** Copies of training images are found, and images of the same kind are not taken for copies. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import { type AnalyzedSet, subsetOf } from '../../../src/evaluation/analyses/analyzed-set.js';
import { memorization } from '../../../src/evaluation/memorization/memorization.js';
import { analyzed, phantomPixels, quiet, setsOf } from '../../support/analyzed-phantoms.js';
import { CHANGES, type Change } from '../../support/copier.js';

const SIDE = 32;
const [TRAIN, HOLDOUT, FAKE] = [90, 60, 24];
/** One image in six is a copy. */
const EVERY = 6;

describe('memorization', () => {
  let trainPixels: Uint8Array[];
  let freshPixels: Uint8Array[];
  let train: AnalyzedSet;
  let holdout: AnalyzedSet;

  before(async () => {
    trainPixels = await phantomPixels(TRAIN, 1, SIDE);
    freshPixels = await phantomPixels(2 * FAKE, 3, SIDE);
    train = await analyzed(trainPixels);
    holdout = await analyzed(await phantomPixels(HOLDOUT, 2, SIDE));
  });

  for (const [name, change] of Object.entries(CHANGES) as [string, Change][])
    test(`a few training images that are ${name} are found one by one`, async () => {
      const random = new RandomStream(4, name);
      const pixels = freshPixels.slice(0, FAKE);
      const planted = new Map<number, number>();
      for (let i = 3; i < FAKE; i += EVERY) {
        planted.set(i, (11 * i) % TRAIN);
        pixels[i] = await change(trainPixels[(11 * i) % TRAIN] as Uint8Array, SIDE, random);
      }
      const kept = new Map<string, Uint8Array>();
      const result = await memorization(setsOf(train, holdout, await analyzed(pixels)), {
        keep: async (file, bytes) => void kept.set(file, bytes),
        onProgress: quiet,
      });
      assert.equal(result.level, 'warning');
      const suspects = new Map(
        result.tables[0]?.rows.map(([synthetic, training]) => [Number(synthetic), Number(training)]),
      );
      for (const [synthetic, training] of planted) assert.equal(suspects.get(synthetic), training, name);
      const list = JSON.parse(Buffer.from(kept.get('memorization.json') ?? '').toString());
      assert.ok(list.copies.length > 0 && list.copies.every((index: number) => planted.has(index)));
      assert.ok(kept.has('figures/memorization-pairs.png'));
    });

  test('new images of the same kind are no copies', async () => {
    const all = await analyzed(freshPixels);
    for (let first = 0; first < 2 * FAKE; first += FAKE) {
      const fresh = subsetOf(
        all,
        Int32Array.from({ length: FAKE }, (_, i) => first + i),
      );
      const result = await memorization(setsOf(train, holdout, fresh), { keep: null, onProgress: quiet });
      assert.notEqual(result.level, 'warning', result.statement);
      assert.equal(result.values.find(({ name }) => name === 'copies')?.value, 0);
    }
  });

  test('a generator that returns training images only fails every measure', async () => {
    const copies = subsetOf(
      train,
      Int32Array.from({ length: FAKE }, (_, i) => i),
    );
    const result = await memorization(setsOf(train, holdout, copies), { keep: null, onProgress: quiet });
    const value = (name: string) => result.values.find((other) => other.name === name);
    assert.equal(result.level, 'warning');
    assert.equal(value('copies')?.value, FAKE);
    assert.ok((value('data_copying')?.value ?? 0) < -3);
    assert.ok((value('membership_auroc')?.interval?.low ?? 0) > 0.5);
    assert.equal(value('authenticity')?.value, 0);
  });

  test('without unseen images nothing is judged', async () => {
    const result = await memorization(setsOf(train, null, holdout), { keep: null, onProgress: quiet });
    assert.equal(result.level, 'caution');
    assert.match(result.statement, /Not judged: there are no real images/);
    assert.deepEqual(result.values, []);
  });

  test('constant images give a result', async () => {
    const black = await analyzed(Array.from({ length: 24 }, () => new Uint8Array(SIDE * SIDE)));
    const result = await memorization(setsOf(train, holdout, black), { keep: null, onProgress: quiet });
    assert.ok(result.values.every(({ value }) => Number.isFinite(value)));
    await memorization(setsOf(black, black, black), { keep: null, onProgress: quiet });
  });
});
