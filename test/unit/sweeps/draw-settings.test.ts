/** The settings of a hyperparameter sweep: what is drawn, and what is refused before the start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type HyperparameterSweepInput,
  type HyperparameterSweepSpec,
  rungsOf,
  settingPoints,
  settingSpec,
  settingsOf,
} from '../../../src/spec/hyperparameter-sweep.js';
import { HYPERPARAMETER_SWEEP } from '../../../src/spec/sweep.js';
import { parseSweep } from '../../../src/sweeps/index.js';

const RUN = {
  name: 'knee',
  preprocess: { source: '/data/knee' },
  train: { kimg: 90, snapshotKimg: 10, gamma: 2 },
};

function parse(sweep: Partial<HyperparameterSweepInput>): HyperparameterSweepSpec {
  const input = { name: 'tuning', run: RUN, keys: { 'train.gamma': [1, 2, 4] }, ...sweep };
  return parseSweep(HYPERPARAMETER_SWEEP, input) as HyperparameterSweepSpec;
}

const keys = {
  'train.glr': { min: 1e-4, max: 1e-2, scale: 'log' as const },
  'train.cmax': { min: 8, max: 64, int: true },
  'preprocess.square': ['pad', 'crop'],
};

test('a grid has every combination once, the default among them once, and ends of ranges as they are', () => {
  const spec = parse({
    keys: { 'train.gamma': [1, 2, 4], 'train.glr': { min: 0.001, max: 0.1, scale: 'log' } },
    settings: [{ 'train.gamma': 4 }, { 'train.gamma': 2 }],
  });
  const settings = [...settingsOf(spec).values()];
  assert.equal(
    settings.length,
    1 + 9 + 1,
    'the grid, the default, and gamma 4 alone; gamma 2 is the default',
  );
  assert.deepEqual([...new Set(settings.map((one) => one['train.glr']))], [undefined, 0.001, 0.01, 0.1]);
});

test('random settings lie within their ranges, differ, and a longer search begins with a shorter one', () => {
  const [few, many] = [4, 40].map((count) => parse({ keys, search: 'random', count }).drawn ?? []);
  assert.deepEqual(many?.slice(0, 4), few);
  assert.equal(new Set(many?.map((setting) => JSON.stringify(setting))).size, 40);
  for (const setting of many ?? []) {
    const [rate, channels] = [Number(setting['train.glr']), Number(setting['train.cmax'])];
    assert.ok(rate >= 1e-4 && rate <= 1e-2, `${rate}`);
    assert.ok(Number.isInteger(channels) && channels >= 8 && channels <= 64, `${channels}`);
  }
  const low = (many ?? []).filter((setting) => Number(setting['train.glr']) < 1e-3).length;
  assert.ok(low > 10 && low < 30, `half of the decades, ${low} of 40`);
  assert.notDeepEqual(parse({ keys, search: 'random', count: 4, seed: 1 }).drawn, few);
  assert.deepEqual(parse(parse({ keys, search: 'random', count: 4 })).drawn, few, 'not drawn again');
});

test('all wrong keys are told at once, each with what it allows', () => {
  const sweep = {
    keys: {
      'train.gama': [1],
      'train.cbase': { min: 4, max: 64, int: true },
      'train.batch': { min: 8, max: 64 },
      'train.mirror': ['yes'],
      'evaluate.metrics': ['all'],
      'train.seed': [1, 2],
      'preprocess.square': ['circle'],
    },
    settings: [{ 'train.kimg': 5 }],
  };
  assert.throws(
    () => parse(sweep),
    (error: Error) => {
      for (const text of [
        /train\.gama: unknown key; did you mean "gamma"\?/,
        /train\.cbase: .*>=16/,
        /train\.batch: .*int/,
        /train\.mirror: .*boolean/,
        /evaluate\.metrics: must be the same in all runs/,
        /train\.seed: is what repeats vary/,
        /preprocess\.square: must be/,
        /settings\.?\[?0\]?: train\.kimg: not among the keys/,
      ])
        assert.match(error.message, text);
      return true;
    },
  );
});

test('values that do not go together are told before the start, by their setting', () => {
  const sweep = { keys: { 'train.batch': [16, 32], 'train.batchGpu': [8, 32] } };
  assert.throws(() => parse(sweep), /train\.batch = 16, train\.batchGpu = 32: train\.batchGpu/);
});

test('a grid of more settings than a sweep may have is refused before it is built', () => {
  const range = { min: 0.1, max: 1, points: 100 };
  const wide = { 'train.gamma': range, 'train.emaKimg': range, 'train.target': range, 'train.p': range };
  assert.throws(() => parse({ keys: wide }), /grid has 100000000 settings/);
  assert.throws(
    () => parse({ keys, search: 'random', count: 400 }),
    /1203 runs, and a sweep has at most 1000/,
  );
});

test('with halving the rungs are lengths at snapshots, and ids do not depend on other settings', () => {
  const spec = parse({ halving: { minKimg: 10 }, repeats: 2 });
  assert.deepEqual(rungsOf(spec), [10, 30, 90]);
  const points = settingPoints(spec);
  assert.deepEqual(
    points.slice(0, 3).map(({ setting, repeat, kimg }) => [setting, repeat, kimg]),
    [
      ['default', 0, 10],
      ['default', 1, 10],
      [points[2]?.setting, 0, 10],
    ],
  );
  const ids = (values: number[]) => [...settingsOf(parse({ keys: { 'train.gamma': values } })).keys()];
  const [more, fewer] = [ids([1, 4, 8]), ids([8, 4])];
  assert.ok(fewer.every((id) => more.includes(id)));
  const last = settingSpec(spec, points.at(-1) as (typeof points)[number]);
  assert.deepEqual([last.train.gamma, last.train.seed, last.train.kimg], [4, 1, 10]);
  assert.throws(
    () => parse({ halving: { minKimg: 90 } }),
    /halving\.minKimg: must be below run\.train\.kimg/,
  );
});
