/** Reading a spec: what is accepted, and that every error has a hint. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { parseSpec } from '../../../src/spec/parse.js';

const minimal = { name: 'knees', preprocess: { source: '/data/knees' } };

test('a spec with only a name and a source is complete', () => {
  const spec = parseSpec(minimal);
  assert.deepEqual(spec.stages, ['preprocess', 'train', 'generate', 'evaluate']);
  assert.equal(spec.preprocess?.resolution, 256);
  assert.deepEqual(spec.preprocess?.holdout, { fraction: 0.2, seed: 0, by: 'image' });
  assert.equal(spec.train.cfg, 'auto');
  assert.equal(spec.generate.count, 50_000);
});

test('reading a resolved spec again changes nothing', () => {
  const spec = parseSpec(minimal);
  assert.deepEqual(parseSpec(JSON.parse(JSON.stringify(spec))), spec);
});

test('stages run in the order of the pipeline, however they are listed', () => {
  assert.deepEqual(parseSpec({ ...minimal, stages: ['train', 'preprocess'] }).stages, [
    'preprocess',
    'train',
  ]);
});

test('a batch or micro-batch that is out of range is reported once, whatever its size', () => {
  for (const train of [
    { batch: 1 },
    { batch: -3 },
    { batch: 1e12 },
    { batch: 7.5 },
    { batchGpu: 0 },
    { batchGpu: 1e12 },
  ])
    assert.throws(
      () => parseSpec({ ...minimal, train }),
      (error) => error instanceof SpecError && !/problems:/.test(error.message),
    );
  assert.throws(
    () => parseSpec({ ...minimal, train: { engine: 'stylegan3', stylegan3: { gpus: 0 } } }),
    (error) => error instanceof SpecError && !/problems:/.test(error.message),
  );
});

const refusals: [string, unknown, RegExp][] = [
  [
    'a misspelled key names the nearest right one',
    { ...minimal, trian: {} },
    /trian: unknown key; did you mean "train"\?/,
  ],
  [
    'a misspelled inner key is named with its path',
    { ...minimal, train: { kimgs: 3 } },
    /train\.kimgs: unknown key; did you mean "kimg"\?/,
  ],
  [
    'a misspelled key under a key with defaults',
    { ...minimal, preprocess: { source: '/d', holdout: { fration: 0.1 } } },
    /preprocess\.holdout\.fration: unknown key; did you mean "fraction"\?/,
  ],
  [
    'a misspelled stage names the nearest',
    { ...minimal, stages: ['trian'] },
    /stages\[0\]: must be .*given "trian"; did you mean "train"\?/,
  ],
  [
    'a resolution that is no power of two',
    { ...minimal, preprocess: { source: '/d', resolution: 100 } },
    /preprocess\.resolution: must be 16 or 32.*given 100/,
  ],
  ['a negative kimg', { ...minimal, train: { kimg: -1 } }, /train\.kimg: .*given -1/],
  [
    'micro-batches that do not divide the batch',
    { ...minimal, train: { batch: 32, batchGpu: 12 } },
    /train\.batchGpu: must be 8 or 16: it must divide the batch, 32.*given 12/,
  ],
  [
    'a micro-batch larger than the batch',
    { ...minimal, train: { batch: 8, batchGpu: 16 } },
    /train\.batchGpu: must be 8: /,
  ],
  [
    'micro-batches of one image, which form no group',
    { ...minimal, train: { batch: 32, batchGpu: 1 } },
    /train\.batchGpu: must be 2: the discriminator compares images in groups/,
  ],
  [
    'a batch without groups',
    { ...minimal, train: { batch: 7 } },
    /train\.batch: must be 6 or 8: the discriminator compares images in groups/,
  ],
  [
    'a batch of the wrong type',
    { ...minimal, train: { batch: '32' } },
    /train\.batch: expected number.*given "32"/,
  ],
  ['a missing name', { preprocess: { source: '/d' } }, /name: expected string/],
  ['a missing source', { name: 'x' }, /preprocess\.source: is required/],
  [
    'a source that is empty',
    { name: 'x', preprocess: { source: '' } },
    /preprocess\.source: must not be empty/,
  ],
  [
    'a source on http',
    { name: 'x', preprocess: { source: 'http://a/b' } },
    /preprocess\.source: must be a path/,
  ],
  ['a name with a slash', { ...minimal, name: 'a/b' }, /name: must be 1 to 63/],
  ['no stages', { ...minimal, stages: [] }, /stages: needs at least one stage/],
  ['a stage twice', { ...minimal, stages: ['train', 'train'] }, /stages: must not contain a stage twice/],
  [
    'training without a data set',
    { name: 'x', stages: ['train'] },
    /from: stage "train" needs the result of stage "preprocess", which is not run/,
  ],
  [
    'generating without a checkpoint',
    { name: 'x', stages: ['generate'], from: { dataset: 's3://gist/d' } },
    /from: stage "generate" needs/,
  ],
  [
    'an unknown engine',
    { ...minimal, train: { engine: 'stylegan4' } },
    /train\.engine: .*did you mean "stylegan3"/,
  ],
  [
    'an unknown set of augmentations',
    { ...minimal, train: { aug: 'ada', augPipe: 'medcal' } },
    /train\.augPipe/,
  ],
  ['nothing to transfer from', { ...minimal, train: { resume: '' } }, /train\.resume/],
  [
    'JPEG output in this version',
    { ...minimal, generate: { format: 'jpeg' } },
    /generate\.format: .*not available in this version/,
  ],
  [
    'rejection without the stage that judges the images',
    { ...minimal, stages: ['preprocess', 'train', 'generate'], generate: { rejectAbove: 0.99 } },
    /generate\.rejectAbove: needs the analysis "artifacts" of the stage "evaluate"/,
  ],
  [
    'rejection without the analysis that judges the images',
    { ...minimal, generate: { rejectAbove: 0.99 }, evaluate: { analyses: ['memorization'] } },
    /generate\.rejectAbove: needs the analysis "artifacts"/,
  ],
  [
    'official precision and recall in this version',
    { ...minimal, evaluate: { metrics: ['fid'] } },
    /evaluate\.metrics\[0\]: .*not available in this version/,
  ],
  [
    'an unknown classifier',
    { ...minimal, evaluate: { ganTrainTest: { classifiers: ['resnet10'] } } },
    /evaluate\.ganTrainTest\.classifiers\[0\]: must be .*did you mean "resnet101"/,
  ],
  [
    'an unknown key of the classifiers',
    { ...minimal, evaluate: { ganTrainTest: { step: 100 } } },
    /evaluate\.ganTrainTest\.step: unknown key; did you mean "steps"/,
  ],
  [
    'a subset of one class',
    { ...minimal, evaluate: { ganTrainTest: { subsets: [[3]] } } },
    /evaluate\.ganTrainTest\.subsets\[0\]/,
  ],
  [
    'an unknown key of labels from a CSV file',
    { ...minimal, preprocess: { source: '/d', labels: { csv: '/l.csv', colum: 'grade' } } },
    /preprocess\.labels\.colum: unknown key.*allowed: .*label, patient/,
  ],
  [
    'a pattern over the path without a group for the label',
    { ...minimal, preprocess: { source: '/d', labels: { path: 'grade(\\d)' } } },
    /preprocess\.labels\.path: must have the group/,
  ],
  [
    'a snapshot interval longer than the training',
    { ...minimal, train: { kimg: 4, snapshotKimg: 8 } },
    /train\.snapshotKimg: must not exceed train\.kimg/,
  ],
  ['a spec that is a list', [], /spec: expected object/],
  ['a spec that is nothing', null, /spec: expected object/],
];

for (const [what, input, message] of refusals) {
  test(`refused with a hint: ${what}`, () => {
    assert.throws(
      () => parseSpec(input),
      (error: unknown) => {
        assert.ok(error instanceof SpecError);
        assert.match(error.message, message);
        assert.equal(error.causeClass, 'input');
        return true;
      },
    );
  });
}

test('all problems of a spec are reported at once', () => {
  assert.throws(
    () => parseSpec({ name: 'x y', stages: ['trian'], train: { kimgs: 1, batch: 1 } }),
    /problems:[\s\S]*name:[\s\S]*stages\[0\][\s\S]*train/,
  );
});
