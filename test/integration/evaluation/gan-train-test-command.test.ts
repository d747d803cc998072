/** `gist gan-train-test`: classifiers on folders of images, without a server. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodePng } from '../../../src/imaging/index.js';
import type { AnalysisResult } from '../../../src/spec/analyses.js';
import { drawShapes, SHAPES, SIDE } from '../../support/classified-sets.js';
import { GistUser } from '../../support/gist.js';

describe('gist gan-train-test', () => {
  let user: GistUser;
  before(async () => {
    user = await GistUser.create();
    await write('real', 90, 1);
    await write('fake', 60, 2);
    await mkdir(path.join(user.folder, 'flat'));
    for (const name of ['a.png', 'b.png'])
      await writeFile(path.join(user.folder, 'flat', name), await encodePng(new Uint8Array(64), 8, 8, 1));
  });
  after(() => user?.leave());

  /** Images in a folder for each class. */
  async function write(set: string, count: number, seed: number): Promise<void> {
    for (const [i, { label, pixels }] of drawShapes(count, seed).entries()) {
      const folder = path.join(user.folder, set, SHAPES[label] as string);
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, `${i}.png`), await encodePng(pixels, SIDE, SIDE, 1));
    }
  }

  const compare = (...options: string[]) =>
    user.gist('gan-train-test', '--real', 'real', '--fake', 'fake', '--seeds', '1', ...options);

  test('classifiers are trained on folders, and the same command again trains none', async () => {
    const first = await compare('--steps', '80', '--json');
    assert.equal(first.code, 0, first.stderr);
    const result = JSON.parse(first.stdout) as AnalysisResult & { images: { holdout: number[] } };
    assert.deepEqual(result.images.holdout, [6, 6, 6], 'a fifth of each class');
    const accuracy = (setting: string) =>
      result.values.find(({ name }) => name === `small.accuracy.${setting}`)?.value ?? assert.fail(setting);
    assert.ok(accuracy('base') > 0.6, `${accuracy('base')}`);
    assert.ok(accuracy('gan_test') > 0.6, `${accuracy('gan_test')}`);
    assert.ok(result.caveats.some((caveat) => caveat.includes('--holdout')));
    assert.match(first.stderr, /classifier 3 of 3 \(small, real and synthetic\)/);
    const before = await trained();
    assert.equal(before.length, 3);
    const again = await compare('--steps', '80');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /GAN-train .*\n.*GAN-test/);
    assert.deepEqual(await trained(), before);
  });

  test('a class that one side does not have is named, and left out', async () => {
    await rm(path.join(user.folder, 'fake', 'disk'), { recursive: true });
    const { stdout } = await compare('--steps', '2', '--holdout', 'real', '--json');
    const { caveats } = JSON.parse(stdout) as AnalysisResult;
    assert.ok(caveats.some((caveat) => /"disk" is left out .* 0 synthetic images/.test(caveat)));
    assert.ok(!caveats.some((caveat) => caveat.includes('--holdout')));
  });

  test('images without folders, and settings that are none, are refused with what to do', async () => {
    const flat = await compare('--holdout', 'flat');
    assert.equal(flat.code, 3);
    assert.match(flat.stderr, /flat: has no folders.*\n.*folder with the name of the class/s);
    const network = await compare('--classifiers', 'resnet10');
    assert.equal(network.code, 2);
    assert.match(network.stderr, /--classifiers.*resnet101/s);
  });

  /** Results of classifiers, with the time when they were written. */
  async function trained(): Promise<string[]> {
    const folder = path.join(user.folder, 'gan-train-test', 'classifiers');
    const names = (await readdir(folder)).sort();
    return Promise.all(
      names.map(async (name) => {
        const file = path.join(folder, name, 'result.json');
        return `${(await stat(file)).mtimeMs} ${await readFile(file, 'utf8')}`;
      }),
    );
  }
});
