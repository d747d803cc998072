/** Labels, holdouts and nested subsets. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DatasetError } from '../../../src/core/errors.js';
import { labelImages } from '../../../src/imaging/labels.js';
import { compareNaturally } from '../../../src/imaging/natural-order.js';
import { splitImages } from '../../../src/imaging/split.js';

/** Labels of classes with the given numbers of images. */
function labelled(...counts: number[]) {
  return labelImages(
    counts.flatMap((n, c) => Array.from({ length: n }, (_, i) => `class${c}/${i}.png`)),
    'folders',
    'source',
  );
}

test('names are in natural order', () => {
  assert.deepEqual(['grade10', 'grade2', 'Grade1', 'grade1', 'a', 'grade02'].sort(compareNaturally), [
    'Grade1',
    'a',
    'grade1',
    'grade02',
    'grade2',
    'grade10',
  ]);
});

test('the first folder level is the class', () => {
  const { classes, labels } = labelImages(
    ['grade10/a.png', 'grade2/deep/b.png', 'grade2/c.png'],
    'folders',
    'source',
  );
  assert.deepEqual(classes, ['grade2', 'grade10']);
  assert.deepEqual([...labels], [1, 0, 0]);
  assert.deepEqual(labelImages(['a.png', 'b/c.png'], 'none', 'source').classes, null);
});

test("images outside the class folders are counted, not named: a name may contain a patient's name", () => {
  assert.throws(
    () => labelImages(['a/1.png', 'stray1.png', 'stray2.png'], 'folders', 'source'),
    (e) => e instanceof DatasetError && /2 of 3 images/.test(e.what) && !/stray/.test(e.message),
  );
  assert.throws(() => labelImages(['1.png', '2.png'], 'folders', 'source'), DatasetError);
});

test('the holdout takes its fraction of each class, at least one image and never all', () => {
  const labels = labelled(100, 10, 2);
  const { train, holdout } = splitImages(labels, { fraction: 0.2, seed: 0, limit: null }, 'source');
  const count = (indices: Uint32Array, label: number) =>
    [...indices].filter((i) => labels.labels[i] === label).length;
  assert.deepEqual(
    [0, 1, 2].map((c) => count(holdout, c)),
    [20, 2, 1],
  );
  assert.deepEqual(
    [0, 1, 2].map((c) => count(train, c)),
    [80, 8, 1],
  );
  assert.equal(new Set([...train, ...holdout]).size, 112);
});

test('the split depends only on its seed', () => {
  const split = (seed: number) =>
    splitImages(labelled(50, 50), { fraction: 0.2, seed, limit: null }, 'source');
  assert.deepEqual(split(1), split(1));
  assert.notDeepEqual(split(1).holdout, split(2).holdout);
});

test('without a holdout all images are training images', () => {
  const { train, holdout } = splitImages(labelled(5, 1), { fraction: 0, seed: 0, limit: null }, 'source');
  assert.deepEqual([train.length, holdout.length], [6, 0]);
});

test('smaller subsets are contained in larger ones, keep the class proportions, and have the same holdout', () => {
  const labels = labelled(300, 90, 10);
  const split = (limit: number | null) => splitImages(labels, { fraction: 0.2, seed: 3, limit }, 'source');
  const all = split(null);
  let previous = new Set<number>();
  for (const limit of [3, 10, 40, 100, 320]) {
    const { train, holdout } = split(limit);
    assert.equal(train.length, limit);
    assert.deepEqual(holdout, all.holdout);
    const now = new Set(train);
    for (const index of previous) assert.ok(now.has(index));
    const counts = [0, 1, 2].map((c) => [...train].filter((i) => labels.labels[i] === c).length);
    [0.75, 0.225, 0.025].forEach((share, c) => {
      assert.ok((counts[c] as number) >= 1);
      assert.ok(Math.abs((counts[c] as number) - share * limit) <= 3, `${counts}`);
    });
    previous = now;
  }
});

test('invalid classes and limits are rejected with a hint', () => {
  const cases: [number[], { fraction: number; limit: number | null }, RegExp][] = [
    [[10, 1], { fraction: 0.2, limit: null }, /"class1" has a single image/],
    [[1], { fraction: 0, limit: null }, /single image/],
    [[10, 10], { fraction: 0, limit: 21 }, /only 20 training images/],
    [[10, 10, 10], { fraction: 0, limit: 2 }, /without images/],
  ];
  for (const [counts, options, message] of cases) {
    assert.throws(
      () => splitImages(labelled(...counts), { seed: 0, ...options }, 'source'),
      (e) => e instanceof DatasetError && message.test(e.message) && Boolean(e.hint),
    );
  }
});
