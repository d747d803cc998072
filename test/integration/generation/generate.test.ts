/** Images from the checkpoint of a real, tiny training. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { CheckpointError, SpecError, UsageError } from '../../../src/core/errors.js';
import {
  assembleSynthetic,
  createSampler,
  generateShard,
  type Sampler,
  shardListSchema,
  syntheticManifestSchema,
} from '../../../src/generation/index.js';
import { superviseTrainer } from '../../../src/training/index.js';
import { generateSchema } from '../../../src/spec/generate.js';
import type { CheckpointRef } from '../../../src/spec/results.js';
import { getJson, sha256 } from '../../../src/storage/index.js';
import { newest, type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

describe('images from a checkpoint', () => {
  let tiny: TinyTraining;
  let checkpoint: CheckpointRef;
  let sampler: Sampler;

  before(async () => {
    tiny = await tinyTraining();
    await superviseTrainer(tiny.job('r', { targetKimg: 0.08 }));
    checkpoint = (await newest(tiny.store, 'r')).ref;
    sampler = await createSampler(tiny.store, checkpoint.prefix, { batch: 8 });
  });
  after(async () => {
    sampler?.dispose();
    await tiny?.remove();
  });

  test('an image depends on its seed, class and psi, and not on other images of the request', async () => {
    const seeds = [5, 100, 3, 77, 13, 21, 8, 16, 24, 4, 2, 1];
    const labels = seeds.map((seed) => seed % 2);
    const together = await sampler.generate(seeds, labels, 1);
    for (const [i, seed] of seeds.entries()) {
      assert.deepEqual((await sampler.generate([seed], [labels[i] as number], 1))[0], together[i]);
    }
    assert.equal(new Set(together.map((image) => sha256(image))).size, seeds.length);
    assert.notDeepEqual(await sampler.generate([5], [0], 1), [together[0]]);
    assert.notDeepEqual(await sampler.generate([5], [1], 0.5), [together[0]]);
  });

  test('with psi 0 every seed gives the same image of a class', async () => {
    const [a, b] = await sampler.generate([8, 16], [0, 0], 0);
    assert.deepEqual(a, b);
  });

  test('a class that the generator does not know is refused', async () => {
    await assert.rejects(sampler.generate([1], [2], 1), UsageError);
    await assert.rejects(sampler.generate([1], [null], 1), UsageError);
  });

  test('the previews of synthetic and real images have a row for each class', async () => {
    const { parts } = await newest(tiny.store, 'r');
    for (const png of [parts['preview.png'] as Uint8Array, await tiny.store.get('runs/r/train/reals.png')]) {
      const { width, height } = await sharp(png).metadata();
      assert.deepEqual([width, height], [8 * 16, 2 * 16]);
    }
  });

  const generate = generateSchema.parse({ count: 20, shardImages: 8, seed: 1000, classes: 'uniform' });

  test('shards contain PNG files named by seed, are reproducible, and are listed with seed and class of each image', async () => {
    const input = { runId: 'r', checkpoint, generate, digest: 'abc' };
    const prefix = 'runs/r/generate/abc/';
    for (const shard of [2, 0, 1]) await generateShard(tiny.store, { ...input, shard });
    const result = await assembleSynthetic(tiny.store, input);
    assert.deepEqual(result, { stage: 'generate', prefix, digest: 'abc', images: 20 });
    const manifest = await getJson(tiny.store, `${prefix}manifest.json`, syntheticManifestSchema);
    assert.deepEqual(
      manifest.shards.map(({ images, firstSeed }) => [images, firstSeed]),
      [
        [8, 1000],
        [8, 1008],
        [4, 1016],
      ],
    );
    assert.deepEqual(manifest.counts, [10, 10]);
    const list = await getJson(tiny.store, `${prefix}${manifest.shards[1]?.list}`, shardListSchema);
    assert.deepEqual(list.images[1], { name: 'seed00001009.png', seed: 1009, label: 1 });
    const archive = manifest.shards[0] as { key: string; sha256: string };
    assert.equal(sha256(await tiny.store.get(`${prefix}${archive.key}`)), archive.sha256);
    await generateShard(tiny.store, { ...input, digest: 'again', shard: 0 });
    assert.equal(sha256(await tiny.store.get(`runs/r/generate/again/${archive.key}`)), archive.sha256);
  });

  test('a set with a missing shard is not assembled, and an unknown class is refused', async () => {
    await assert.rejects(assembleSynthetic(tiny.store, { runId: 'r', checkpoint, generate, digest: 'none' }));
    const unknown = generateSchema.parse({ classes: ['no such class'] });
    await assert.rejects(
      generateShard(tiny.store, { runId: 'r', checkpoint, generate: unknown, digest: 'x', shard: 0 }),
      SpecError,
    );
  });

  test('damaged weights and folders without a checkpoint are refused', async () => {
    await assert.rejects(createSampler(tiny.store, 'runs/r/nothing/'), CheckpointError);
    const { manifest } = await newest(tiny.store, 'r');
    const file = path.join(
      fileURLToPath(tiny.store.uri),
      checkpoint.prefix,
      manifest.parts['G_ema.safetensors']?.key ?? '',
    );
    const bytes = await readFile(file);
    await writeFile(file, Buffer.concat([bytes.subarray(0, -1), Buffer.of(1 ^ (bytes.at(-1) as number))]));
    await assert.rejects(createSampler(tiny.store, checkpoint.prefix), CheckpointError);
    await writeFile(file, bytes);
  });
});
