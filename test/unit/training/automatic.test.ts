/**
 * Settings on `auto`: what they become, that a resumed training keeps them, and the reasons that
 * people are given.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trainSchema } from '../../../src/spec/train.js';
import {
  automaticSettings,
  type ChoiceFacts,
  chooseBatchGpu,
  chooseSettings,
  LARGE_SET,
  startedSettings,
} from '../../../src/training/automatic.js';
import { planMemory } from '../../../src/training/memory-estimate.js';
import { specifiedNetwork } from '../../../src/training/specified-network.js';

const FACTS: ChoiceFacts = { images: 480, usesGpu: false, started: null };
const SIZES = { resolution: 64, channels: 1, classes: 5 };
const GIB = 2 ** 30;

const spec = (given: object = {}) => trainSchema.parse({ cbase: 4096, cmax: 128, ...given });
const choose = (given: object, facts: Partial<ChoiceFacts> = {}) =>
  chooseSettings(spec(given), { ...FACTS, ...facts });
const recorded = (network: object, training: object): ChoiceFacts['started'] =>
  startedSettings(
    {
      configuration: { engine: 'tfjs', network: { ...network }, training: { ...training }, dataset: 'd' },
    },
    [],
  );

describe('the network family', () => {
  test('is stylegan2 on a CPU and stylegan3-t on a GPU, unless it is given', () => {
    assert.equal(choose({}).cfg, 'stylegan2');
    assert.equal(choose({}, { usesGpu: true }).cfg, 'stylegan3-t');
    assert.equal(choose({ engine: 'stylegan3' }).cfg, 'stylegan3-t');
    assert.equal(choose({ cfg: 'stylegan3-r' }).cfg, 'stylegan3-r');
  });

  test('of a resumed training is the one that it started with, on any machine', () => {
    const started = recorded({ cfg: 'stylegan3-t' }, {});
    assert.equal(choose({}, { started }).cfg, 'stylegan3-t');
  });
});

describe('augmentation', () => {
  test('is adaptive below the size of a large set, where mirrored images count', () => {
    assert.equal(choose({}, { images: LARGE_SET - 1 }).aug, 'ada');
    assert.equal(choose({}, { images: LARGE_SET }).aug, 'none');
    assert.equal(choose({ mirror: true }, { images: LARGE_SET / 2 }).aug, 'none');
    assert.equal(choose({ aug: 'fixed' }, { images: LARGE_SET }).aug, 'fixed');
  });

  test('of the official trainer flips images only when it is asked to', () => {
    assert.equal(choose({ engine: 'stylegan3' }).aug, 'none');
    assert.equal(choose({ engine: 'stylegan3', augPipe: 'bgc' }).aug, 'ada');
  });

  test('of a resumed training is the one that it started with', () => {
    assert.equal(choose({}, { started: recorded({}, { aug: 'none' }) }).aug, 'none');
    assert.equal(choose({}, { started: recorded({}, { aug: 'noaug' }) }).aug, 'none');
    assert.equal(choose({}, { images: LARGE_SET, started: recorded({}, { aug: 'ada' }) }).aug, 'ada');
  });
});

describe('the micro-batch', () => {
  const config = specifiedNetwork(choose({}), SIZES);
  const need = (images: number) => planMemory(config, { batch: images, batchGpu: images }).neededBytes / 0.9;
  const batchGpu = (images: number, given: object = {}, started: ChoiceFacts['started'] = null) =>
    chooseBatchGpu(config, spec({ batch: 32, ...given }), started, need(images) + 1024);

  test('is the whole batch where that fits', () => {
    assert.equal(batchGpu(32), 32);
    assert.equal(batchGpu(100), 32);
  });

  test('is the largest that fits and has the groups of the batch', () => {
    assert.equal(batchGpu(30), 16);
    assert.equal(batchGpu(9), 8);
    assert.equal(batchGpu(4), 4);
  });

  test('is the smallest where none is foreseen to fit, with the same groups where memory is unknown', () => {
    assert.equal(chooseBatchGpu(config, spec({ batch: 32 }), null, GIB / 10), 2);
    assert.equal(chooseBatchGpu(config, spec({ batch: 32 }), null, null), 4);
    assert.equal(chooseBatchGpu(config, spec({ batch: 32, batchGpu: 8 }), null, null), 8);
  });

  test('is what the spec says, and else what the checkpoint says', () => {
    assert.equal(batchGpu(4, { batchGpu: 16 }), 16);
    assert.equal(batchGpu(100, {}, recorded({}, { batch: 32, batchGpu: 8 })), 8);
    assert.equal(batchGpu(4, {}, recorded({}, { batch: 32 })), 32);
  });
});

test('an attempt that ended before its first checkpoint left its choices, and the next one keeps them', () => {
  const config = specifiedNetwork(choose({}), SIZES);
  const record = [
    { key: 'cfg', value: 'stylegan3-t', reason: 'on a GPU' },
    { key: 'aug', value: 'none', reason: 'many images' },
    { key: 'batchGpu', value: '8', reason: 'memory' },
  ];
  const started = startedSettings(null, record);
  assert.deepEqual(
    [
      choose({}, { started }).cfg,
      choose({}, { started }).aug,
      chooseBatchGpu(config, spec(), started, 64 * GIB),
    ],
    ['stylegan3-t', 'none', 8],
  );
  assert.equal(startedSettings(null, []), null);
});

test('every key on auto is reported with its value and reason, and no other', () => {
  const train = spec({ gamma: 2, threads: 2 });
  const chosen = chooseSettings(train, FACTS);
  const config = specifiedNetwork(chosen, SIZES);
  const memory = planMemory(config, { batch: 32, batchGpu: 16 }, 3 * GIB);
  const values = {
    batchGpu: 16,
    gamma: 2,
    glr: 0.002,
    dlr: 0.002,
    mapDepth: 8,
    augPipe: 'medical',
    adaKimg: 500,
  };
  const settings = automaticSettings({ train, chosen, facts: FACTS, config, values, memory });
  const lines = Object.fromEntries(settings.map(({ key, value, reason }) => [key, `${value}: ${reason}`]));
  assert.equal(lines.cfg, 'stylegan2: no GPU in use');
  assert.equal(lines.aug, 'ada: 480 training images');
  assert.equal(lines.cond, 'true: 5 classes');
  assert.equal(lines.augPipe, 'medical: gray images');
  assert.match(lines.batchGpu ?? '', /^16: 16 images need about [\d.]+ of 3\.0 GiB; 32 do not fit$/);
  assert.deepEqual(Object.keys(lines).sort(), [
    'adaKimg',
    'aug',
    'augPipe',
    'batchGpu',
    'cfg',
    'cond',
    'dlr',
    'glr',
    'mapDepth',
  ]);
});
