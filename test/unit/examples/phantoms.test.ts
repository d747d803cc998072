/**
 * The phantom generator: what it writes, that it repeats, and that its pictures show the grades.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { writePhantoms } from '../../../examples/phantoms/index.js';
import { UsageError } from '../../../src/core/errors.js';
import type { Progress } from '../../../src/core/progress.js';

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((entry) => /\.(png|jpg)$/.test(entry)).sort();
}

/**
 * Mean brightness of the middle of both compartments, row by row, of a picture cropped and scaled
 * to 64 px.
 */
async function jointProfile(file: string): Promise<number[]> {
  const { data } = await sharp(file)
    .resize(64, 64, { fit: 'cover' })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const columns = [20, 22, 24, 26, 38, 40, 42, 44];
  return Array.from({ length: 64 }, (_, row) => {
    const sum = columns.reduce((total, column) => total + (data[row * 64 + column] as number), 0);
    return sum / columns.length;
  });
}

/** How dark the darkest rows of the joint are against the bone above and below, 0...1. */
async function jointDarkness(file: string): Promise<number> {
  const profile = await jointProfile(file);
  const bone = [...profile.slice(16, 22), ...profile.slice(42, 48)];
  const mean = bone.reduce((sum, value) => sum + value, 0) / bone.length;
  return 1 - Math.min(...profile.slice(26, 40)) / mean;
}

describe('phantom knees', () => {
  let home: string;
  let folder: string;
  const heard: Progress[] = [];
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'phantoms-'));
    folder = path.join(home, 'a');
    await writePhantoms({ folder, count: 40, seed: 7, onProgress: (progress) => heard.push(progress) });
  });
  after(() => rm(home, { recursive: true, force: true }));

  it('are written as a labeled folder with unbalanced classes, PNG and JPEG in turn', async () => {
    const files = await filesUnder(folder);
    const inGrade = (grade: number) => files.filter((file) => file.startsWith(`grade-${grade}${path.sep}`));
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((grade) => inGrade(grade).length),
      [12, 10, 8, 6, 4],
    );
    assert.deepEqual(
      inGrade(4).map((file) => path.basename(file)),
      ['0001.png', '0002.jpg', '0003.png', '0004.jpg'],
    );
  });

  it('are gray, not square, and of 200 to 600 pixels a side', async () => {
    for (const file of await filesUnder(folder)) {
      const { width, height, channels, format } = await sharp(path.join(folder, file)).metadata();
      assert.equal(channels, 1);
      assert.equal(format, file.endsWith('.png') ? 'png' : 'jpeg');
      assert.notEqual(width, height);
      assert.ok(Math.min(width, height) >= 200 && Math.max(width, height) <= 600, `${width} x ${height}`);
    }
  });

  it('report progress up to the last image', () => {
    assert.equal(heard.length, 40);
    assert.deepEqual(heard.at(-1), { done: 40, total: 40, unit: 'images' });
  });

  it('have the same bytes for the same seed, and a larger set contains the smaller', async () => {
    const again = path.join(home, 'b');
    await writePhantoms({ folder: again, count: 20, seed: 7 });
    for (const file of await filesUnder(again)) {
      assert.ok(
        (await readFile(path.join(again, file))).equals(await readFile(path.join(folder, file))),
        file,
      );
    }
  });

  it('differ for another seed', async () => {
    const other = path.join(home, 'c');
    await writePhantoms({ folder: other, count: 1, seed: 8, classes: [1] });
    const file = path.join('grade-0', '0001.png');
    assert.ok(!(await readFile(path.join(other, file))).equals(await readFile(path.join(folder, file))));
  });

  it('show a joint space that narrows from grade 0 to grade 4', async () => {
    const meanDarkness = async (grade: string) => {
      const files = await readdir(path.join(folder, grade));
      const values = await Promise.all(files.map((name) => jointDarkness(path.join(folder, grade, name))));
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const healthy = await meanDarkness('grade-0');
    const severe = await meanDarkness('grade-4');
    assert.ok(healthy > 0.3, `grade 0: the joint is only ${healthy} darker than bone`);
    assert.ok(severe < healthy - 0.1, `grade 4: ${severe} against ${healthy}`);
  });

  it('are not written into a folder with other files', async () => {
    const foreign = path.join(home, 'd');
    await writePhantoms({ folder: foreign, count: 1, seed: 0, classes: [1] });
    await writeFile(path.join(foreign, 'grade-0', 'holiday.jpg'), '');
    await assert.rejects(writePhantoms({ folder: foreign, count: 1, seed: 0, classes: [1] }), UsageError);
  });

  it('are refused for impossible counts and shares before anything is written', async () => {
    const nowhere = path.join(home, 'e');
    for (const wrong of [
      { count: 0 },
      { count: 1.5 },
      { classes: [] },
      { classes: [1, 0] },
      { classes: [1, Number.NaN] },
    ]) {
      await assert.rejects(writePhantoms({ folder: nowhere, count: 5, seed: 0, ...wrong }), UsageError);
    }
    assert.ok(!(await readdir(home)).includes('e'));
  });
});
