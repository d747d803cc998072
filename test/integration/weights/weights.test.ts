/** Import and export keep the weights, and imported weights generate images. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CheckpointError } from '../../../src/core/errors.js';
import { createSampler } from '../../../src/generation/checkpoint-sampler.js';
import { encodeWeights, openWeights, readWeights, writeWeights } from '../../../src/weights/index.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { GistUser } from '../../support/gist.js';
import { TINY_CONFIG, tinyWeights } from '../../support/tiny-weights.js';

const SNAPSHOT = 'test/fixtures/weights/tiny-protocol4.pkl';
const noWarning = (message: string) => assert.fail(message);

describe('weights', () => {
  let folder: string;
  let store: FileStore;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-weights-'));
    store = new FileStore(path.join(folder, 'store'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('imported, exported and imported again they are the same bytes', async () => {
    await writeWeights(store, 'weights/tiny/', readWeights(await readFile(SNAPSHOT), 'tiny.pkl'));
    const source = await openWeights(store, 'tiny', noWarning);
    assert.deepEqual(source.config, { ...TINY_CONFIG, clamp: 256 });
    const exported = encodeWeights(source);
    assert.deepEqual(decodeSafetensors(exported, 'x'), tinyWeights());
    await writeWeights(store, 'weights/again/', readWeights(exported, 'again.safetensors'));
    assert.deepEqual((await openWeights(store, 'again', noWarning)).config, source.config);
    const parts = async (name: string) =>
      Promise.all(['G', 'D', 'G_ema'].map((part) => store.get(`weights/${name}/${part}.safetensors`)));
    assert.deepEqual(await parts('again'), await parts('tiny'));
  });

  test('a file with a single generator generates images, and its missing buffers are computed', async () => {
    const bare = Object.entries(tinyWeights())
      .filter(([name]) => name.startsWith('G_ema.') && !name.endsWith('resample_filter'))
      .map(([name, tensor]) => [name.slice('G_ema.'.length), tensor] as const);
    const weights = readWeights(encodeSafetensors(Object.fromEntries(bare)), 'g.safetensors');
    assert.match(weights.notes.join(), /no discriminator/);
    await writeWeights(store, 'weights/alone/', weights);
    const image = async (name: string) => {
      const sampler = await createSampler(store, `weights/${name}/`, { batch: 2, mode: 'eager' });
      const [pixels] = await sampler.generate([7], [null], 0.7);
      sampler.dispose();
      return pixels;
    };
    assert.deepEqual(await image('alone'), await image('tiny'));
  });

  test('a weights file can be used by its address without an import', async () => {
    const { networks } = await openWeights(store, path.resolve(SNAPSHOT), noWarning);
    assert.deepEqual(Object.keys(networks).sort(), ['D', 'G', 'G_ema']);
  });

  test('missing weights and weights of another architecture are refused with the reason', async () => {
    await assert.rejects(openWeights(store, 'nothing', noWarning), CheckpointError);
    const tensors = tinyWeights();
    delete tensors['G_ema.synthesis.b8.conv1.weight'];
    assert.throws(
      () => readWeights(encodeSafetensors(tensors), 'x.safetensors'),
      /another architecture|it lacks synthesis.b8.conv1.weight/,
    );
    const wide = tinyWeights();
    wide['G_ema.synthesis.b8.extra.weight'] = { shape: [1], data: Float32Array.of(1) };
    assert.throws(
      () => readWeights(encodeSafetensors(wide), 'x.safetensors'),
      /it has synthesis.b8.extra.weight/,
    );
  });

  test('the command inspects, imports and exports', async () => {
    const user = await GistUser.create();
    const [home, snapshot] = [path.join(folder, 'home'), path.resolve(SNAPSHOT)];
    const page = await user.gist('weights', 'inspect', snapshot);
    assert.match(page.stdout, /architecture +stylegan2\n/);
    assert.ok(page.stdout.split('\n').length < 20, page.stdout);
    assert.doesNotMatch(page.stdout, /b4\.out\.weight/);
    const inspected = await user.gist('weights', 'inspect', snapshot, '--tensors', '--json');
    assert.equal(inspected.code, 0, inspected.stderr);
    const { config, tensors } = JSON.parse(inspected.stdout) as {
      config: object;
      tensors: Record<string, string>;
    };
    assert.deepEqual(config, { ...TINY_CONFIG, clamp: 256 });
    assert.equal(tensors['D.b4.out.weight'], '[1, 8]');
    const imported = await user.gist('weights', 'import', snapshot, '--to', home, '--json');
    assert.equal(imported.code, 0, imported.stderr);
    const { resume } = JSON.parse(imported.stdout) as { resume: string };
    const file = path.join(folder, 'out.safetensors');
    const exported = await user.gist('weights', 'export', resume, file);
    assert.equal(exported.code, 0, exported.stderr);
    assert.deepEqual(decodeSafetensors(await readFile(file), file), tinyWeights());
    const attack = path.join(folder, 'attack.pkl');
    await writeFile(attack, '\x80\x03cos\nsystem\nX\x02\x00\x00\x00id\x85R.', 'latin1');
    const hostile = await user.gist('weights', 'import', attack, '--to', home);
    assert.equal(hostile.code, 4);
    assert.match(hostile.stderr, /imports "os system", which is not allowed/);
    await user.leave();
  });
});
