/** The preprocess stage: specs of earlier runs, and what its plan warns of. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mock, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import sharp from 'sharp';
import { createPreprocessActivities, type DatasetPlanned } from '../../../src/activities/preprocess.js';
import { datasetSettings } from '../../../src/imaging/dataset/plan.js';
import { type PreprocessSpec, preprocessSchema } from '../../../src/spec/preprocess.js';
import { openStore } from '../../../src/storage/index.js';
import { preprocessSpec, withFolder } from '../../support/images.js';

/** A spec as version 1 of preprocessing had it, with its defaults. */
function earlierSpec(source: string): PreprocessSpec {
  const holdout = { fraction: 0.2, seed: 0 };
  const rest = { square: 'crop', color: 'grayscale', limit: null, mirror: false, maxRejected: 0.05 };
  return { source, labels: 'none', resolution: 16, holdout, ...rest, shardImages: 256 } as PreprocessSpec;
}

async function writeDeep(folder: string): Promise<void> {
  await mkdir(folder);
  for (let i = 0; i < 8; i++) {
    const values = Uint16Array.from({ length: 20 * 24 }, (_, at) => (at * (i + 3)) % 4096);
    const raw = { width: 20, height: 24, channels: 1 as const };
    const png = await sharp(values, { raw }).toColourspace('grey16').png().toBuffer();
    await writeFile(path.join(folder, `doe${i}.png`), png);
  }
}

test('a run of an earlier version is planned, and a guess is logged once and names no file', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'deep');
    await writeDeep(source);
    const store = openStore(path.join(folder, 'store'));
    const { planDataset } = createPreprocessActivities({ store });
    const lines: string[] = [];
    const write = mock.method(process.stderr, 'write', (line: string) => lines.push(line) > 0);
    const plan = (preprocess: PreprocessSpec) =>
      new MockActivityEnvironment().run(() => planDataset({ runId: 'deep-1', preprocess, reuse: true }));
    const planned = (await plan(earlierSpec(source))) as DatasetPlanned;
    write.mock.restore();
    const warnings = lines.filter((line) => line.includes('This is a guess'));
    assert.equal(warnings.length, 1);
    assert.ok(!lines.join().includes('doe'));
    const today = preprocessSpec({ source, labels: 'none' });
    assert.equal(((await plan(today)) as DatasetPlanned).digest, planned.digest);
  }));

test('every key of preprocess but the address and the limit of rejected images sets the data set', () => {
  const keys = Object.keys(preprocessSchema.shape).filter((key) => key !== 'source' && key !== 'maxRejected');
  assert.deepEqual(Object.keys(datasetSettings(preprocessSpec({ source: 'x' }))).sort(), keys.sort());
});
