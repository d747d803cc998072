/** Tests of network and training configurations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { blockResolutions, channelsAt, resolveNetworkConfig, styleLayers } from '../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../src/gan/loss/options.js';

const settings = { cfg: 'stylegan2', resolution: 256, channels: 3, classes: 0 } as const;
const auto = { gamma: 'auto', glr: 'auto', dlr: 'auto', emaKimg: 'auto', seed: 0 } as const;

test('default sizes are those of the published configuration F', () => {
  const config = resolveNetworkConfig(settings);
  assert.deepEqual(
    { ...config },
    {
      ...settings,
      zDim: 512,
      wDim: 512,
      mappingLayers: 8,
      cbase: 32_768,
      cmax: 512,
      clamp: null,
      half: null,
    },
  );
  assert.deepEqual(blockResolutions(config), [4, 8, 16, 32, 64, 128, 256]);
  assert.deepEqual(
    blockResolutions(config).map((resolution) => channelsAt(config, resolution)),
    [512, 512, 512, 512, 512, 256, 128],
  );
  assert.equal(styleLayers(config), 14);
});

test('invalid sizes are refused with the key, the value and what is allowed', () => {
  const refusals: [object, RegExp][] = [
    [{ resolution: 48 }, /train\.resolution: .*48.*power of two/],
    [{ resolution: 4 }, /train\.resolution/],
    [{ resolution: 2048 }, /train\.resolution/],
    [{ channels: 2 }, /train\.channels: .*2.*1 \(gray\) or 3/],
    [{ classes: -1 }, /train\.classes/],
    [{ zDim: 0 }, /train\.zDim/],
    [{ cmax: 1.5 }, /train\.cmax/],
    [{ cbase: 128 }, /train\.cbase: .*at least the resolution, 256/],
  ];
  for (const [change, message] of refusals) {
    assert.throws(
      () => resolveNetworkConfig({ ...settings, ...change }),
      (error) => error instanceof SpecError && message.test(error.message),
    );
  }
});

test('automatic settings are the published heuristics', () => {
  const options = resolveTrainingOptions(resolveNetworkConfig(settings), { ...auto, batch: 32 });
  assert.equal(options.gamma, (0.0002 * 256 * 256) / 32);
  assert.equal(options.emaKimg, 10);
  assert.deepEqual([options.glr, options.dlr, options.beta1, options.beta2], [0.002, 0.002, 0, 0.99]);
  assert.deepEqual(
    [options.r1Interval, options.plInterval, options.plWeight, options.styleMixing],
    [16, 4, 2, 0.9],
  );
});

test('a training from other weights has neither ramp-up of the average nor blur', () => {
  const { emaRampup, blur } = resolveTrainingOptions(
    resolveNetworkConfig({ ...settings, cfg: 'stylegan3-r' }),
    { ...auto, batch: 32, resume: 'ffhq' },
  );
  assert.deepEqual({ emaRampup, blur }, { emaRampup: null, blur: null });
  assert.equal(
    resolveTrainingOptions(resolveNetworkConfig(settings), { ...auto, batch: 32 }).emaRampup,
    0.05,
  );
});

test('explicit settings are used unchanged', () => {
  const given = { gamma: 0, glr: 0.1, dlr: 0.2, emaKimg: 3, seed: 7, batch: 2 };
  const options = resolveTrainingOptions(resolveNetworkConfig(settings), given);
  for (const [key, value] of Object.entries(given)) assert.equal(options[key as keyof typeof given], value);
});
