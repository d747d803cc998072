/** Scores of classifications, compared with those of scikit-learn. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RandomStream } from '../../../../src/core/random.js';
import { scoreClassification } from '../../../../src/evaluation/gan-train-test/classification.js';
import { percentDifference, settingResult } from '../../../../src/evaluation/gan-train-test/settings.js';

const SCORES = ['accuracy', 'balancedAccuracy', 'precision', 'recall', 'f1', 'auroc'] as const;
type Scores = Record<(typeof SCORES)[number], number>;

interface Case extends Scores {
  classes: number;
  labels: number[];
  probabilities: number[];
  perClass: { precision: number; recall: number; f1: number; images: number; auroc: number | null }[];
  confusion: number[][];
}

/** Recorded with ties among the probabilities, and a class that does not occur. */
const { cases } = JSON.parse(readFileSync('test/fixtures/classification/scikit-learn.json', 'utf8')) as {
  cases: Case[];
};

const close = (a: number, b: number, name: string) =>
  assert.ok(Math.abs(a - b) < 1e-12, `${name}: ${a}, ${b}`);

for (const expected of cases) {
  test(`${expected.classes} classes: all scores are those of scikit-learn`, () => {
    const { classes, labels } = expected;
    const found = scoreClassification(labels, Float32Array.from(expected.probabilities), classes);
    for (const score of SCORES) close(found[score] as number, expected[score], score);
    assert.deepEqual(found.confusion, expected.confusion);
    for (const [label, own] of expected.perClass.entries()) {
      const { images, auroc, ...scores } = found.classes[label] ?? assert.fail();
      assert.equal(images, own.images);
      if (own.auroc === null) assert.equal(auroc, null);
      else close(auroc as number, own.auroc, `auroc of ${label}`);
      for (const score of ['precision', 'recall', 'f1'] as const)
        close(scores[score], own[score], `${score} of ${label}`);
    }
  });
}

test('the percent difference to base is that of table 2 of the paper', () => {
  const published: [base: number, value: number, difference: string][] = [
    [78.36, 65.87, '-17.32'],
    [78.36, 74.03, '-5.68'],
    [82.69, 69.71, '-17.03'],
    [82.69, 65.86, '-22.66'],
    [82.21, 68.27, '-18.53'],
    [82.21, 59.61, '-31.87'],
  ];
  for (const [base, value, difference] of published)
    assert.equal(percentDifference(value, base).toFixed(2), difference);
});

test('an accuracy has an interval that narrows with more images and widens with the spread of seeds', () => {
  const of = (images: number, ...rights: number[]) =>
    settingResult(
      rights.map((right) => {
        const labels = Array.from({ length: images }, () => 0);
        const probabilities = new Float32Array(images * 2);
        for (let i = 0; i < images; i++) probabilities[2 * i + (i < right * images ? 0 : 1)] = 1;
        return scoreClassification(labels, probabilities, 2);
      }),
    );
  // Wilson's interval of 8 of 10: 0.490 to 0.943.
  const few = of(10, 0.8).intervals.accuracy;
  assert.deepEqual([few.low.toFixed(3), few.high.toFixed(3)], ['0.490', '0.943']);
  const width = ({
    intervals: {
      accuracy: { low, high },
    },
  }: ReturnType<typeof of>) => high - low;
  assert.ok(width(of(1000, 0.8)) < width(of(100, 0.8)));
  assert.ok(width(of(100, 0.6, 1)) > width(of(100, 0.8, 0.8)));
  assert.equal(of(10, 0.8).spread, null);
});

test('the intervals of the other scores cover the error of repeated tests', () => {
  const random = new RandomStream(1, 'tests');
  const tested = () => {
    const labels = Array.from({ length: 120 }, (_, i) => i % 3);
    const probabilities = new Float32Array(labels.length * 3);
    for (const [i, label] of labels.entries()) {
      for (let k = 0; k < 3; k++) probabilities[3 * i + k] = random.uniform();
      probabilities[3 * i + label] = (probabilities[3 * i + label] as number) + 0.5;
    }
    return settingResult([scoreClassification(labels, probabilities, 3)]);
  };
  const all = Array.from({ length: 60 }, tested);
  for (const score of ['balancedAccuracy', 'precision', 'f1', 'auroc'] as const) {
    const truth = all.reduce((sum, { mean }) => sum + (mean[score] as number), 0) / all.length;
    const covered = all.filter(({ intervals: { [score]: interval } }) => {
      const { low, high } = interval ?? assert.fail(score);
      return low <= truth && truth <= high;
    });
    assert.ok(covered.length >= 51, `${score}: ${covered.length} of 60`);
  }
});

test('a class that is always recognized has an interval all the same', () => {
  const labels = [0, 0, 0, 1, 1, 1];
  const probabilities = Float32Array.from(labels.flatMap((label) => [1 - label, label]));
  const { balancedAccuracy } = settingResult([scoreClassification(labels, probabilities, 2)]).intervals;
  assert.equal(balancedAccuracy.high, 1);
  assert.ok(balancedAccuracy.low < 0.95 && balancedAccuracy.low > 0.3);
});
