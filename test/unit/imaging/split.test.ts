/** Holdouts that stay as they are when images are added, and nested subsets. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GistError } from '../../../src/core/errors.js';
import { compareNaturally } from '../../../src/imaging/labels/natural-order.js';
import { drawImages, type SplitImages, splitImages } from '../../../src/imaging/split/split.js';

interface Images extends SplitImages {
  names: string[];
}

/** Images `class0/0.png`... of classes with the given numbers of images, each on its own. */
function labelled(...counts: number[]): Images {
  return seeded(0, ...counts);
}

function seeded(seed: number, ...counts: number[]): Images {
  const names = counts.flatMap((n, c) => Array.from({ length: n }, (_, i) => `class${c}/${i}.png`));
  return {
    classes: counts.map((_, c) => `class${c}`),
    labels: Int32Array.from(counts.flatMap((n, c) => new Array<number>(n).fill(c))),
    draws: drawImages(seed, names, names),
    names,
    groups: Int32Array.from(names, (_, i) => i),
    heldOut: null,
  };
}

/** The names that a split holds out. */
function heldOut(images: Images): string[] {
  const { holdout } = splitImages(images, { fraction: 0.2, limit: null }, 'source');
  return [...holdout].map((i) => images.names[i] as string).sort();
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

test('the holdout takes about its fraction of each class, at least one image and never all', () => {
  for (const seed of [0, 1, 2]) {
    const images = seeded(seed, 4000, 1000, 10, 2, 2, 2);
    const { train, holdout } = splitImages(images, { fraction: 0.2, limit: null }, 'source');
    const count = (indices: Uint32Array, label: number) =>
      [...indices].filter((i) => images.labels[i] === label).length;
    assert.equal(new Set([...train, ...holdout]).size, 5016);
    assert.ok(Math.abs(count(holdout, 0) / 4000 - 0.2) < 0.02);
    assert.ok(Math.abs(count(holdout, 1) / 1000 - 0.2) < 0.04);
    for (const small of [2, 3, 4, 5]) {
      assert.ok(count(holdout, small) > 0 && count(train, small) > 0);
    }
  }
});

test('chance holds out at most twice the fraction of a small class, and says when it is stopped', () => {
  let limited = 0;
  for (let seed = 0; seed < 200; seed++) {
    for (const count of [3, 5, 8, 12]) {
      const { train, holdout, notices } = splitImages(
        seeded(seed, count),
        { fraction: 0.2, limit: null },
        'source',
      );
      assert.ok(holdout.length <= Math.max(1, 0.4 * count), `${holdout.length} of ${count}, seed ${seed}`);
      assert.ok(train.length > holdout.length);
      if (/chance would hold out/.test(notices.join())) limited++;
    }
    const [few, many] = [40, 41].map((count) => heldOut(seeded(seed, count)));
    assert.deepEqual(
      many?.filter((name) => name !== 'class0/40.png'),
      few,
    );
  }
  assert.ok(limited > 10 && limited < 200, `${limited}`);
});

test('a holdout larger than the training set is said with its figures', () => {
  const images = labelled(10);
  const draws = { ...images.draws, side: images.draws.side.map((_, i) => (i < 7 ? 0.01 : 0.9)) };
  const groups = Int32Array.from(images.groups, (_, i) => (i < 7 ? 0 : i));
  const { notices } = splitImages({ ...images, draws, groups }, { fraction: 0.2, limit: null }, 'source');
  assert.match(notices.join(), /7 images are held out and only 3 are for training.*--holdout\) is 0\.2/);
});

test('the split depends only on its seed', () => {
  assert.deepEqual(heldOut(seeded(1, 50, 50)), heldOut(seeded(1, 50, 50)));
  assert.notDeepEqual(heldOut(seeded(1, 50, 50)), heldOut(seeded(2, 50, 50)));
});

test('no image changes sides when others are added', () => {
  const few = heldOut(labelled(60, 40));
  const many = heldOut(labelled(600, 400, 30));
  const known = new Set(labelled(60, 40).names);
  assert.deepEqual(
    many.filter((name) => known.has(name)),
    few,
  );
});

test('images of a group are on one side, and a group keeps the side of its patient', () => {
  const images = labelled(90, 90);
  const patient = (i: number) => `patient${i % 30}`;
  const patients = images.names.map((_, i) => patient(i));
  const grouped: SplitImages = {
    ...images,
    draws: drawImages(0, images.names, patients),
    groups: Int32Array.from(images.names, (_, i) => i % 30),
  };
  const { train, holdout } = splitImages(grouped, { fraction: 0.3, limit: null }, 'source');
  const held = new Set([...holdout].map((i) => i % 30));
  assert.ok(held.size >= 3 && held.size <= 18, `${held.size} of 30 patients`);
  assert.ok([...train].every((i) => !held.has(i % 30)));
});

test('copies in a holdout that is given pull their training images into it', () => {
  const images = labelled(10);
  const given: SplitImages = {
    ...images,
    groups: Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 0, 9]),
    heldOut: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
  };
  const { holdout, notices } = splitImages(given, { fraction: 0.5, limit: null }, 'source');
  assert.deepEqual([...holdout].sort(), [0, 8, 9]);
  assert.match(notices.join(), /1 training image is a copy of images/);
});

test('without a holdout all images are training images', () => {
  const { train, holdout } = splitImages(labelled(5, 1), { fraction: 0, limit: null }, 'source');
  assert.deepEqual([train.length, holdout.length], [6, 0]);
});

test('smaller subsets are contained in larger ones, keep the class proportions, and have the same holdout', () => {
  const images = labelled(300, 90, 10);
  const split = (limit: number | null) => splitImages(images, { fraction: 0.2, limit }, 'source');
  const all = split(null);
  const share = [0, 1, 2].map(
    (c) => [...all.train].filter((i) => images.labels[i] === c).length / all.train.length,
  );
  let previous = new Set<number>();
  for (const limit of [3, 10, 40, 100, 300]) {
    const { train, holdout } = split(limit);
    assert.equal(train.length, limit);
    assert.deepEqual(holdout, all.holdout);
    const now = new Set(train);
    for (const index of previous) assert.ok(now.has(index));
    const counts = [0, 1, 2].map((c) => [...train].filter((i) => images.labels[i] === c).length);
    for (const [c, part] of share.entries()) {
      assert.ok((counts[c] as number) >= 1);
      assert.ok(Math.abs((counts[c] as number) - part * limit) <= 3, `${counts}`);
    }
    previous = now;
  }
});

test('invalid classes and limits are rejected with a hint', () => {
  const cases: [number[], { fraction: number; limit: number | null }, RegExp][] = [
    [[10, 1], { fraction: 0.2, limit: null }, /"class1" has a single image/],
    [[1], { fraction: 0, limit: null }, /single image/],
    [[10, 10], { fraction: 0, limit: 21 }, /^TooFewImagesError.*only 20 training images/],
    [[10, 10, 10], { fraction: 0, limit: 2 }, /without images/],
  ];
  for (const [counts, options, message] of cases) {
    assert.throws(
      () => splitImages(labelled(...counts), options, 'source'),
      (e) => e instanceof GistError && message.test(String(e)) && Boolean(e.hint),
    );
  }
});

test('a class of copies of one image is trained on, with a notice', () => {
  const groups = Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
  for (const seed of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const copies = { ...seeded(seed, 10, 3), groups };
    const { train, notices } = splitImages(copies, { fraction: 0.5, limit: null }, 'source');
    assert.ok([10, 11, 12].every((i) => train.includes(i)));
    assert.match(notices.join(), /the class of label 1 has images of a single patient, or copies of one/);
  }
});
