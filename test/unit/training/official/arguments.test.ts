/** A spec in the words of train.py. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  officialArguments,
  officialWarnings,
  tickKimg,
} from '../../../../src/training/official/arguments.js';
import { chooseSettings } from '../../../../src/training/automatic.js';
import { trainSchema } from '../../../../src/spec/train.js';

const ATTEMPT = { outdir: '/o', data: '/d.zip', kimg: 100, seed: 1, resume: null };

function argumentsOf(spec: Record<string, unknown>, data = { resolution: 256, classes: 0 }, attempt = {}) {
  const train = trainSchema.parse({ engine: 'stylegan3', ...spec });
  const facts = { images: 600, usesGpu: true, started: null };
  return officialArguments(chooseSettings(train, facts), data, { ...ATTEMPT, ...attempt });
}

test('defaults leave to train.py what it decides by itself', () => {
  const args = argumentsOf({});
  assert.ok(args.includes('--gamma=0.4096'));
  assert.ok(args.includes('--cond=false'));
  assert.ok(args.includes('--aug=noaug'));
  assert.ok(args.includes('--metrics=none'));
  for (const name of ['glr', 'dlr', 'map-depth', 'target', 'p', 'resume'])
    assert.ok(!args.some((arg) => arg.startsWith(`--${name}=`)), name);
});

test('settings of the spec become options', () => {
  const args = argumentsOf(
    {
      cfg: 'stylegan3-t',
      batch: 32,
      gamma: 2,
      glr: 0.001,
      mapDepth: 4,
      aug: 'fixed',
      augPipe: 'bgc',
      p: 0.3,
      stylegan3: { gpus: 4, workers: 5, fp32: true },
    },
    { resolution: 64, classes: 3 },
    { resume: '/s/start.pkl' },
  );
  for (const arg of [
    'cfg=stylegan3-t',
    'gpus=4',
    'batch-gpu=8',
    'gamma=2',
    'glr=0.001',
    'map-depth=4',
    'aug=fixed',
    'p=0.3',
    'cond=true',
    'workers=5',
    'fp32=true',
    'resume=/s/start.pkl',
  ])
    assert.ok(args.includes(`--${arg}`), arg);
  assert.ok(!args.some((arg) => arg.startsWith('--target=')));
});

test('ADA has its target, and groups of the minibatch deviation divide the images of a GPU', () => {
  assert.ok(argumentsOf({ aug: 'ada', augPipe: 'bgc', target: 0.5 }).includes('--target=0.5'));
  for (const [batchGpu, group] of [
    [8, 4],
    [6, 3],
    [2, 2],
  ]) {
    const args = argumentsOf({ batch: 24, batchGpu });
    assert.ok(args.includes(`--mbstd-group=${group}`), `${batchGpu}`);
  }
});

test('ticks are of whole kimg, and snapshots a multiple of them', () => {
  const ticks = [40, 4, 6, 9, 2, 5, 1, 0.2].map((snapshotKimg) => tickKimg({ snapshotKimg }));
  assert.deepEqual(ticks, [4, 4, 3, 3, 2, 1, 1, 1]);
});

test('a snapshot between two whole kimg is warned of', () => {
  const [warning] = officialWarnings({ snapshotKimg: 0.5 });
  assert.match(warning ?? '', /a snapshot every 1 kimg/);
  assert.deepEqual(officialWarnings({ snapshotKimg: 40 }), []);
});
