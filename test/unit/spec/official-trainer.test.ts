/** Settings that the official trainer accepts, and settings for which it has no option. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { parseSpec } from '../../../src/spec/parse.js';

const specOf = (train: Record<string, unknown>) =>
  parseSpec({ name: 'x', preprocess: { source: 's3://bucket/raw' }, train });

test('engine stylegan3 is accepted with the settings that train.py has', () => {
  const { train } = specOf({
    engine: 'stylegan3',
    cfg: 'stylegan3-r',
    batch: 32,
    batchGpu: 4,
    aug: 'ada',
    augPipe: 'bgc',
    freezed: 2,
    stylegan3: { gpus: 4, fp32: true },
  });
  assert.equal(train.engine, 'stylegan3');
  assert.deepEqual(train.stylegan3, { gpus: 4, workers: 3, fp32: true });
});

const REFUSED: [what: string, train: Record<string, unknown>, says: RegExp][] = [
  ['another length of z', { zDim: 64 }, /train\.zDim: must be 512 with engine stylegan3/],
  ['another length of w', { wDim: 64 }, /train\.wDim: must be 512/],
  ['another precision', { precision: 'float16' }, /train\.precision: must be auto.*stylegan3\.fp32/],
  ['another average', { emaKimg: 5 }, /train\.emaKimg: must be auto/],
  [
    'another speed of augmentation',
    { aug: 'ada', augPipe: 'bgc', adaKimg: 100 },
    /train\.adaKimg: must be auto or 500/,
  ],
  ['another set of augmentations', { aug: 'ada', augPipe: 'medical' }, /train\.augPipe: .* only has bgc/],
  ['a target below 0', { aug: 'ada', augPipe: 'bgc', target: -0.1 }, /train\.target: must be 0\.\.\.1/],
  [
    'a batch that GPUs cannot share',
    { batch: 10, stylegan3: { gpus: 4 } },
    /train\.batch: must be a multiple/,
  ],
  [
    'micro-batches that do not divide the batch',
    { batch: 32, batchGpu: 3, stylegan3: { gpus: 2 } },
    /train\.batchGpu: must be 2 or 4: .* a GPU's share of the batch, 16/,
  ],
  [
    'a GPU with one image, which forms no group',
    { batch: 4, stylegan3: { gpus: 4 } },
    /train\.batch: must be 8, or use fewer stylegan3\.gpus: the discriminator compares/,
  ],
  ['a misspelled key of its own', { stylegan3: { gpu: 2 } }, /train\.stylegan3\.gpu: unknown key.*"gpus"/],
];

for (const [what, train, says] of REFUSED) {
  test(`engine stylegan3 refuses ${what}`, () => {
    assert.throws(
      () => specOf({ engine: 'stylegan3', ...train }),
      (error) => error instanceof SpecError && says.test(error.message),
    );
  });
}

test('engine stylegan3 never replaces the augmentation set for medical images implicitly', () => {
  for (const aug of ['ada', 'fixed']) {
    for (const chosen of [{}, { augPipe: 'auto' }])
      assert.throws(
        () => specOf({ engine: 'stylegan3', aug, ...chosen }),
        (error) =>
          error instanceof SpecError &&
          /train\.augPipe: must be set explicitly .*flips, rotates and recolors.*augPipe: bgc.*aug: none or engine: tfjs/.test(
            error.message,
          ),
      );
    assert.equal(specOf({ engine: 'stylegan3', aug, augPipe: 'bgc' }).train.augPipe, 'bgc');
    assert.equal(specOf({ aug }).train.augPipe, 'auto');
  }
  assert.equal(specOf({ engine: 'stylegan3' }).train.augPipe, 'auto');
});

test('the built-in engine refuses settings that only train.py has', () => {
  assert.throws(
    () => specOf({ stylegan3: { gpus: 2 } }),
    /train\.stylegan3: is only valid with engine stylegan3/,
  );
  assert.equal(specOf({}).train.stylegan3.gpus, 1);
});
