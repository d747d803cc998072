/** The registry of metrics: what is described is computed, explained and offered by the spec. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPUTATIONS, hasEnoughImages } from '../../../src/evaluation/metrics/registry.js';
import { explainMetric, rankOfMetric } from '../../../src/report/explanations.js';
import { evaluateSchema } from '../../../src/spec/evaluate.js';
import { fullMetricName, METRIC_NAMES, METRICS } from '../../../src/spec/metrics.js';
import { trainSchema } from '../../../src/spec/train.js';

function features(rows: number, shift: number) {
  const data = Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(i * 1.7 + shift) + shift);
  return { rows, columns: 3, data };
}

for (const name of METRIC_NAMES) {
  test(`${name} gives the values that its descriptor lists, from its smallest number of images on`, async () => {
    const metric = COMPUTATIONS[name];
    const [synthetic, real] = [features(metric.minImages, 0), features(metric.minImages, 0.5)];
    const values = await metric.compare(synthetic, real, () => undefined);
    assert.deepEqual(Object.keys(values).sort(), [...METRICS[name].values].sort());
    assert.ok(Object.values(values).every(Number.isFinite));
    assert.equal(hasEnoughImages(name, synthetic, real), true);
    const tooFew = features(metric.minImages - 1, 0);
    assert.equal(hasEnoughImages(name, tooFew, real), false);
    await assert.rejects(
      metric.compare(tooFew, real, () => undefined),
      RangeError,
    );
  });

  test(`every value of ${name} is explained`, () => {
    const names = METRICS[name].pairs.flatMap((pair) =>
      METRICS[name].values.map((value) => fullMetricName(name, pair, value)),
    );
    for (const full of names) assert.ok(explainMetric(full)?.text, full);
    assert.equal(new Set(names.map(rankOfMetric)).size, names.length);
  });
}

test('the spec offers every metric, and snapshots only the distances', () => {
  assert.deepEqual(evaluateSchema.parse({}).metrics, METRIC_NAMES);
  assert.equal(trainSchema.safeParse({ snapshotMetrics: ['pr_effnetlite0'] }).success, false);
  assert.equal(trainSchema.safeParse({ snapshotMetrics: ['kid_effnetlite0'] }).success, true);
});

test('a repeated comparison gives the same distance', async () => {
  const [synthetic, real] = [features(10, 0), features(12, 0.5)];
  const first = await COMPUTATIONS.fd_effnetlite0.compare(synthetic, real, () => undefined);
  assert.deepEqual(await COMPUTATIONS.fd_effnetlite0.compare(synthetic, real, () => undefined), first);
  assert.ok(first[''] > 0);
});
