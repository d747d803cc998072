/** A process that has loaded an extractor takes the weights that are imported after that. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { extractFeatures } from '../../../src/evaluation/features.js';
import type { SquareImage } from '../../../src/evaluation/extractors/input.js';
import { CLASSIFIERS } from '../../../src/nn/classifiers/index.js';
import { encodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { keepClassifier } from '../../../src/weights/classifiers/index.js';
import { formulaState } from '../../support/formula-weights.js';

const folder = await mkdtemp(path.join(tmpdir(), 'gist-extractor-'));
process.env.GIST_DATA_CACHE = folder;
after(() => rm(folder, { recursive: true, force: true }));

async function* image(): AsyncGenerator<SquareImage> {
  const pixels = Uint8Array.from({ length: 32 * 32 }, (_, i) => (i * 37) % 251);
  yield { resolution: 32, channels: 1, pixels };
}

async function featuresWith(seed: number): Promise<readonly number[]> {
  const bytes = encodeSafetensors(formulaState(CLASSIFIERS.resnet50, seed));
  await keepClassifier('resnet50', bytes, 'resnet50.safetensors');
  const { data } = await extractFeatures(image(), undefined, 'resnet50');
  return Array.from(data);
}

test('features come from the weights that are kept now, not from those that were loaded before', async () => {
  const first = await featuresWith(1);
  assert.notDeepEqual(await featuresWith(2), first);
  assert.deepEqual(await featuresWith(1), first);
});
