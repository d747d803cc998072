/** The registry of metrics: what is described is computed, explained and offered by the spec. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeMetric, minImagesOf } from '../../../src/evaluation/metrics/compute.js';
import { COMPUTATIONS, computationOf } from '../../../src/evaluation/metrics/registry.js';
import { explainMetric, rankOfMetric } from '../../../src/report/explanations.js';
import { evaluateSchema, selectedMetrics } from '../../../src/spec/evaluate.js';
import {
  fullMetricName,
  isGeneratorMetric,
  METRIC_NAMES,
  METRICS,
  metricsOn,
} from '../../../src/spec/metrics.js';
import { trainSchema } from '../../../src/spec/train.js';

function features(rows: number, shift: number) {
  const data = Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(i * 1.7 + shift) + shift);
  return { rows, columns: 3, data };
}

/** A set of images of 200 px with features. */
function measured(images: number, shift: number) {
  const own = features(images, shift);
  return {
    images,
    features: async () => ({ ...own, logits: async () => own }),
    sample: async (count: number) =>
      Array.from({ length: Math.min(images, count) }, (_, image) => ({
        side: 200,
        channels: 1,
        pixels: Uint8Array.from({ length: 40_000 }, (_, i) => (i * (image + 7)) % 251),
      })),
  };
}

for (const name of METRIC_NAMES.filter(
  (metric) => !METRICS[metric].extractor?.match(/\d$/) && !isGeneratorMetric(metric),
)) {
  test(`${name} gives the values that its descriptor lists, from its smallest number of images on`, async () => {
    const least = minImagesOf(name);
    const { values, intervals } =
      (await computeMetric(name, [measured(least, 0), measured(least, 0.5)])) ?? {};
    assert.deepEqual(Object.keys(values ?? {}).sort(), [...METRICS[name].values].sort());
    assert.ok(Object.values(values ?? {}).every(Number.isFinite));
    for (const [value, { low, high }] of Object.entries(intervals ?? {}))
      assert.ok(low <= high && METRICS[name].values.includes(value), `${value} ${low} ${high}`);
    assert.equal(await computeMetric(name, [measured(least - 1, 0), measured(least, 0)]), null);
    const metric = computationOf(METRICS[name].base);
    if (metric?.kind === 'pair')
      await assert.rejects(
        metric.compare(features(least - 1, 0), features(least, 0), () => undefined),
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

test('the spec offers the metrics of an extractor, and snapshots only the distances', () => {
  const standard = selectedMetrics(evaluateSchema.parse({}));
  assert.deepEqual(standard, metricsOn('effnetlite0'));
  assert.deepEqual(standard.at(-1), 'diversity');
  const official = selectedMetrics(evaluateSchema.parse({ extractor: 'inception' }));
  for (const name of ['fid50k_full', 'kid50k_full', 'is50k', 'pr_inception'])
    assert.ok(official.includes(name as never));
  assert.ok(!official.includes('fd_inception'));
  assert.equal(evaluateSchema.safeParse({ metrics: ['pr50k3_full', 'eqr'] }).success, true);
  assert.equal(trainSchema.safeParse({ snapshotMetrics: ['pr_effnetlite0'] }).success, false);
  assert.equal(trainSchema.safeParse({ snapshotMetrics: ['kid_effnetlite0', 'fid50k_full'] }).success, true);
});

test('a repeated comparison gives the same distance', async () => {
  const [synthetic, real] = [features(10, 0), features(12, 0.5)];
  const first = await COMPUTATIONS.fd.compare(synthetic, real, () => undefined);
  assert.deepEqual(await COMPUTATIONS.fd.compare(synthetic, real, () => undefined), first);
  assert.ok(first[''] > 0);
});
