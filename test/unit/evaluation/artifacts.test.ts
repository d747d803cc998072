/** Faults of generated X-rays are told from real images, and real images are left alone. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { AnalysisResult } from '../../../src/spec/analyses.js';
import { RandomStream } from '../../../src/core/random.js';
import { type AnalyzedSet, subsetOf } from '../../../src/evaluation/analyses/analyzed-set.js';
import { areaUnderCurve } from '../../../src/evaluation/analyses/calibration.js';
import { artifacts } from '../../../src/evaluation/artifacts/artifacts.js';
import { combinedScores, scoreSets } from '../../../src/evaluation/artifacts/scores.js';
import { analyzed, phantomPixels, quiet, setsOf } from '../../support/analyzed-phantoms.js';
import { FAULTS, type Fault } from '../../support/planted-faults.js';

const SIDE = 64;
const [TRAIN, HOLDOUT, CLEAN, FAULTY] = [100, 50, 30, 10];
/** The area under the ROC curve that every fault reaches. */
const LEAST = 0.9;

describe('artifacts', () => {
  let train: AnalyzedSet;
  let holdout: AnalyzedSet;
  /** Real images, then those with each fault. */
  let images: AnalyzedSet;

  before(async () => {
    train = await analyzed(await phantomPixels(TRAIN, 1, SIDE));
    holdout = await analyzed(await phantomPixels(HOLDOUT, 2, SIDE));
    const clean = await phantomPixels(CLEAN, 3, SIDE);
    const faulty = (Object.entries(FAULTS) as [string, Fault][]).flatMap(([name, fault]) => {
      const random = new RandomStream(4, name);
      return clean
        .slice(0, FAULTY)
        .map((pixels, i) => fault(pixels, SIDE, random, clean[CLEAN - 1 - i] as Uint8Array));
    });
    images = await analyzed([...clean, ...faulty]);
  });

  test('every planted fault is told from real images with an AUROC of at least 0.9', async (t) => {
    const scored = await scoreSets({ train, holdout, synthetic: images }, quiet);
    const { synthetic } = combinedScores(scored);
    const clean = synthetic.subarray(0, CLEAN);
    for (const [i, name] of Object.keys(FAULTS).entries()) {
      const first = CLEAN + i * FAULTY;
      const { area } = areaUnderCurve(synthetic.subarray(first, first + FAULTY), clean);
      t.diagnostic(`${name}: AUROC ${area.toFixed(3)}`);
      assert.ok(area >= LEAST, `${name}: ${area}`);
    }
  });

  test('the worst images are listed with their faults, and rejecting them is reported with recall', async () => {
    const first = CLEAN + 5 * FAULTY;
    const checkered = [first, first + 1, first + 2];
    const indices = Int32Array.from([...Array(20).keys(), ...checkered]);
    const kept = new Map<string, Uint8Array>();
    const outlets = {
      keep: async (file: string, bytes: Uint8Array) => void kept.set(file, bytes),
      onProgress: quiet,
    };
    const result = await artifacts(setsOf(train, holdout, subsetOf(images, indices)), outlets, 0.97);
    const worst = result.tables[0]?.rows.slice(0, 3) ?? [];
    assert.deepEqual(worst.map(([index]) => index).sort(), [20, 21, 22]);
    assert.ok(worst.every(([, , why]) => String(why).includes('Checkerboard pattern')));
    const { rejected, pValue } = JSON.parse(Buffer.from(kept.get('artifacts.json') ?? '').toString());
    assert.equal(pValue.length, 23);
    assert.ok([20, 21, 22].every((index) => rejected.includes(index)));
    const filters = result.tables[1]?.rows ?? [];
    const chosen = filters.find(([title]) => String(title).includes('chosen'));
    assert.equal(chosen?.[1], String(23 - rejected.length));
    assert.ok(filters.every(([, , , recall]) => typeof recall === 'number' && recall >= 0 && recall <= 1));
    assert.ok(kept.has('figures/artifacts-worst.png'));
    const value = (name: string) => result.values.find((each) => each.name === name)?.value ?? assert.fail();
    assert.equal(value('rejected'), rejected.length);
    assert.equal(value('recall.all'), filters[0]?.[3]);
    assert.equal(value('recall.accepted'), chosen?.[3]);
    assert.equal(value('coverage.accepted'), chosen?.[4]);
  });

  test('real images are not taken for faulty ones', async () => {
    const clean = subsetOf(images, Int32Array.from(Array(CLEAN).keys()));
    const result = await run(train, holdout, clean);
    assert.equal(result.level, 'good', result.statement);
  });

  test('without a holdout some training images take its place, and a note says so', async () => {
    const faulty = Int32Array.from({ length: FAULTY }, (_, i) => CLEAN + i);
    const result = await run(train, null, subsetOf(images, faulty));
    assert.equal(result.level, 'warning');
    assert.ok(result.caveats.some((caveat) => caveat.includes('every fourth training image')));
  });

  test('with too few images nothing is judged; constant images give a result', async () => {
    const few = subsetOf(train, Int32Array.of(0, 1, 2, 3));
    const { level, statement } = await run(few, few, few);
    assert.equal(level, 'caution');
    assert.match(statement, /too few/);
    const black = await analyzed(Array.from({ length: 24 }, () => new Uint8Array(SIDE * SIDE)));
    const result = await run(black, black, black);
    assert.ok(result.values.every(({ value }) => Number.isFinite(value)));
  });

  function run(real: AnalyzedSet, unseen: AnalyzedSet | null, fake: AnalyzedSet): Promise<AnalysisResult> {
    return artifacts(setsOf(real, unseen, fake), { keep: null, onProgress: quiet });
  }
});
