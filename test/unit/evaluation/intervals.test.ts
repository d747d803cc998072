/** Intervals, values for infinitely many images, and values by class. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import { fitFigure } from '../../../src/evaluation/fit-figure.js';
import type { Comparison } from '../../../src/evaluation/measure-pairs.js';
import { computeMetric } from '../../../src/evaluation/metrics/compute.js';
import type { FeatureMatrix } from '../../../src/evaluation/metrics/feature-matrix.js';
import { distanceFit, lineThrough } from '../../../src/evaluation/metrics/frechet-infinity.js';
import { frechetError, frechetMetric } from '../../../src/evaluation/metrics/frechet-metric.js';
import { fractionInterval } from '../../../src/evaluation/metrics/intervals.js';
import { kernelMetric } from '../../../src/evaluation/metrics/kid.js';
import type { MeasuredImages } from '../../../src/evaluation/metrics/measured-images.js';
import { radiomicMetric } from '../../../src/evaluation/metrics/radiomic-distance.js';
import { measureClasses } from '../../../src/evaluation/per-class.js';
import { radiomicFeatures } from '../../../src/evaluation/radiomics/features.js';

const quiet = () => undefined;

function sample(rows: number, columns: number, seed: number, shift = 0): FeatureMatrix {
  const random = new RandomStream(seed, 'test');
  const data = Float64Array.from({ length: rows * columns }, () => random.normal() + shift);
  return { rows, columns, data };
}

function measured(features: FeatureMatrix): MeasuredImages {
  return { images: features.rows, features: async () => features, sample: async () => [] };
}

test('intervals are as wide as values of other choices of images differ', async () => {
  for (const [metric, name] of [
    [frechetMetric, 'fd'],
    [kernelMetric, 'kid'],
  ] as const) {
    const values: number[] = [];
    const widths: number[] = [];
    for (let trial = 0; trial < 20; trial++) {
      const [a, b] = [sample(120, 5, 2 * trial, 0.4), sample(150, 5, 2 * trial + 1)];
      values.push((await metric.compare(a, b, quiet))['']);
      const { '': interval } = await metric.intervals(a, b, quiet);
      assert.ok(interval);
      widths.push(interval.high - interval.low);
    }
    const mean = values.reduce((x, y) => x + y) / values.length;
    const spread = Math.sqrt(values.reduce((x, y) => x + (y - mean) ** 2, 0) / (values.length - 1));
    const width = widths.reduce((x, y) => x + y) / widths.length;
    const ratio = width / (2 * 1.96 * spread);
    assert.ok(ratio > 0.6 && ratio < 1.7, `${name}: ${ratio}`);
  }
});

test('the error of the distance is the same for fewer images than features and for more', async () => {
  const [a, b] = [sample(40, 12, 1, 0.5), sample(30, 12, 2)];
  const padded = ({ rows, columns, data }: FeatureMatrix, to: number): FeatureMatrix => {
    const out = new Float64Array(rows * to);
    for (let i = 0; i < rows; i++) out.set(data.subarray(i * columns, (i + 1) * columns), i * to);
    return { rows, columns: to, data: out };
  };
  const full = await frechetError(a, b, quiet);
  for (const [x, y, to] of [
    [a, b, 60],
    [b, a, 60],
    [a, b, 35],
    [b, a, 12],
  ] as const) {
    const error = await frechetError(padded(x, to), padded(y, to), quiet);
    assert.ok(Math.abs(error / full - 1) < 1e-6, `${to}: ${error} instead of ${full}`);
  }
});

test('a fraction of 0 or 1 has an interval that is not empty', () => {
  const none = fractionInterval(0, 0, 60);
  assert.ok(none.low === 0 && none.high > 0.04 && none.high < 0.08, JSON.stringify(none));
  assert.equal(fractionInterval(1, 0, 60).high, 1);
  const half = fractionInterval(0.5, 0.01, 400);
  assert.ok(half.high - half.low > 0.3, 'a variance of few independent images counts');
});

describe('the distance for infinitely many images', () => {
  test('is where a line through parts of the sets ends', () => {
    const line = lineThrough([1, 1.5, 2, 2.5].map((x) => [x, 3 + 4 * x] as const));
    assert.ok(Math.abs(line.intercept - 3) < 1e-9 && Math.abs(line.slope - 4) < 1e-9);
    assert.ok(line.error < 1e-9);
  });

  test('of two sets of one distribution is near zero, although the distance is not', async () => {
    const [a, b] = [sample(400, 30, 3), sample(400, 30, 4)];
    const { '': distance } = await frechetMetric.compare(a, b, quiet);
    const fit = await distanceFit(a, b, quiet);
    assert.ok(distance > 1, String(distance));
    assert.ok(Math.abs(fit.intercept) < 0.2 * distance, `${fit.intercept} and ${distance}`);
    assert.ok(fit.slope > 0);
    const values = await computeMetric('fd_infinity_effnetlite0', [measured(a), measured(b)]);
    assert.deepEqual(values?.fit, fit);
    await assert.rejects(distanceFit(sample(19, 3, 5), b, quiet), RangeError);
  });

  test('is drawn with its points, and names are no markup', async () => {
    const fit = await distanceFit(sample(60, 4, 6), sample(60, 4, 7), quiet);
    const svg = fitFigure('fd_infinity<x>', fit);
    assert.match(svg, /^<svg [^>]*role="img" aria-label="[^"]+"/);
    assert.equal(svg.match(/<title>/g)?.length, fit.points.length);
    assert.ok(!svg.includes('<x>'));
    assert.ok(!svg.includes('NaN'));
  });
});

describe('metrics by class', () => {
  const compare = (
    metrics: readonly string[],
    { real, synthetic }: Readonly<Record<string, MeasuredImages>>,
  ) =>
    real && synthetic
      ? metrics.map(
          (metric): Comparison => ({
            metric: metric as 'kid_effnetlite0',
            pair: '',
            sets: [synthetic, real],
          }),
        )
      : [];
  const labeled = (name: string, counts: Record<string, number>, seed: number) => {
    const classes = Object.entries(counts).flatMap(([of, count]) => new Array<string>(count).fill(of));
    return { name, classes, set: measured(sample(classes.length, 4, seed)) };
  };

  test('are those of its images alone; missing and small classes have a caveat instead of a number', async () => {
    const real = labeled('real', { knee: 30, hip: 25, hand: 40 }, 8);
    const synthetic = labeled('synthetic', { knee: 22, hip: 5 }, 9);
    const steps: number[] = [];
    const { classes, caveats } = await measureClasses(
      ['kid_effnetlite0', 'diversity'],
      [real, synthetic],
      compare,
      (done) => steps.push(done),
    );
    assert.deepEqual(
      classes.map((own) => own.class),
      ['knee'],
    );
    const features = await real.set.features('effnetlite0');
    const knees = { ...features, rows: 30, data: features.data.subarray(0, 120) };
    const others = await synthetic.set.features('effnetlite0');
    const { '': wanted } = await kernelMetric.compare(
      { ...others, rows: 22, data: others.data.subarray(0, 88) },
      knees,
      quiet,
    );
    assert.equal(classes[0]?.metrics.kid_effnetlite0, wanted);
    assert.deepEqual(classes[0]?.images, { real: 30, synthetic: 22 });
    assert.ok(classes[0]?.intervals.kid_effnetlite0);
    assert.match(caveats.join('\n'), /Class "hand" is missing in the synthetic images/);
    assert.match(caveats.join('\n'), /Class "hip" has only 5 synthetic images/);
    assert.equal(steps.at(-1), 3);
  });

  test('of one class are those of all images', async () => {
    const sets = [labeled('real', { knee: 30 }, 8), labeled('synthetic', { knee: 30 }, 9)];
    assert.deepEqual(await measureClasses(['kid_effnetlite0'], sets, compare, quiet), {
      classes: [],
      caveats: [],
    });
  });
});

describe('radiomic features', () => {
  const image = (of: (i: number) => number, channels: 1 | 3 = 1) => ({
    resolution: 16,
    channels,
    pixels: Uint8Array.from({ length: 256 * channels }, (_, i) => of(i)),
  });

  test('are finite for constant images, and those of gray for equal channels', () => {
    const flat = radiomicFeatures(image(() => 9));
    assert.equal(Object.keys(flat).length, 77);
    for (const [name, value] of Object.entries(flat)) assert.ok(Number.isFinite(value), `${name} ${value}`);
    const gray = radiomicFeatures(image((i) => (i * 7) % 251));
    assert.deepEqual(radiomicFeatures(image((i) => (Math.floor(i / 3) * 7) % 251, 3)), gray);
  });

  test('that are equal in all real images do not make the distance infinite', async () => {
    const real = {
      rows: 12,
      columns: 3,
      data: sample(12, 3, 1).data.map((value, i) => (i % 3 === 0 ? 5 : value)),
    };
    const { '': distance } = await radiomicMetric.compare(sample(12, 3, 2), real, quiet);
    assert.ok(Number.isFinite(distance) && distance > 0);
  });
});
