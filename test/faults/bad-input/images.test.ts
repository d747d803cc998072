/**
 * Unusable folders of images fail the run immediately; single invalid images are rejected and
 * listed.
 */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { DatasetRef } from '../../../src/spec/results.js';
import { assertNothingFinal, assertTriedOnce, assertUnnamed, failureOf } from '../../support/failed-runs.js';
import { GistUser } from '../../support/gist.js';
import { grayPng, pngOfSize, writeClasses } from '../../support/images.js';
import { assertRefused, PATIENT } from '../../support/refusals.js';
import { Rig } from '../../support/rig.js';

let rig: Rig;
let user: GistUser;

before(async () => {
  rig = await Rig.start();
  user = await GistUser.create(rig.env);
});

after(async () => {
  await user.leave();
  await rig.stop();
});

type Parts = Partial<PipelineInput['preprocess']>;

function specOf(source: string, parts: Parts = {}): PipelineInput {
  return { name: 'bad', stages: ['preprocess'], preprocess: { source, resolution: 16, ...parts } };
}

const write = async (folder: string, name: string, bytes: string | Uint8Array) => {
  await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
  await writeFile(path.join(folder, name), bytes);
};
/** Text files with image extensions whose name and content is the patient's name. */
const texts = async (folder: string, names: string[]) => {
  for (const name of names) await write(folder, name, `${PATIENT} is not to be named`);
};

interface BadFolder {
  what: string;
  make(folder: string): Promise<unknown>;
  parts?: Parts;
  /** Name of the error. Default: DatasetError. */
  type?: string;
  says: RegExp;
}

const FOLDERS: BadFolder[] = [
  {
    what: 'a folder without images',
    make: (folder) => texts(folder, [`${PATIENT}.txt`, 'a/report.pdf']),
    says: /contains no images that can be read, but 2 other files/,
  },
  {
    what: 'a folder with only a link to itself',
    make: async (folder) => {
      await mkdir(path.join(folder, 'a'));
      await symlink('..', path.join(folder, 'a', PATIENT));
      await symlink(`${PATIENT}.png`, path.join(folder, 'a', `${PATIENT}.png`));
    },
    says: /contains no images/,
  },
  {
    what: 'images outside the class folders',
    make: async (folder) => {
      await writeClasses(folder, { a: 2 });
      await write(folder, `${PATIENT}.png`, await grayPng(1));
    },
    says: /1 of 3 images are not in a class folder/,
  },
  {
    what: 'no class folders',
    make: async (folder) => write(folder, `${PATIENT}.png`, await grayPng(1)),
    parts: { labels: 'folders' },
    says: /has no class folders/,
  },
  {
    what: 'a class with a single image, which cannot also be held out',
    make: (folder) => writeClasses(folder, { a: 5, b: 1 }),
    says: /class "b" has a single image/,
  },
  {
    what: 'a single image',
    make: (folder) => writeClasses(folder, { a: 1 }),
    parts: { holdout: { fraction: 0 } },
    says: /contains a single image/,
  },
  {
    what: 'a limit above the number of images',
    make: (folder) => writeClasses(folder, { a: 5 }),
    parts: { limit: 100 },
    type: 'TooFewImagesError',
    says: /preprocess\.limit is 100, but there are only \d training images/,
  },
  {
    what: 'only text files with image names',
    make: (folder) =>
      texts(
        folder,
        [1, 2, 3, 4].map((i) => `a/${PATIENT}-${i}.png`),
      ),
    says: /4 of 4 images cannot be used \(4: is not an image .*rejected\.json of the store/s,
  },
  {
    what: 'more rejected images than are allowed',
    make: async (folder) => {
      await writeClasses(folder, { a: 9 });
      await write(folder, `a/${PATIENT}.png`, '');
    },
    says: /1 of 10 images cannot be used \(1: is an empty file\)/,
  },
  {
    what: 'a class without a readable image',
    make: async (folder) => {
      await writeClasses(folder, { a: 8 });
      await texts(folder, [`b/${PATIENT}-1.png`, `b/${PATIENT}-2.png`]);
    },
    parts: { maxRejected: 1 },
    says: /no train image of class "b" can be used/,
  },
];

for (const [i, { what, make, parts, type = 'DatasetError', says }] of FOLDERS.entries()) {
  test(`a run fails immediately on ${what}`, async () => {
    const runId = `folder-${i}`;
    const folder = path.join(rig.folder, runId);
    await mkdir(folder);
    await make(folder);
    const failure = await failureOf(rig, runId, specOf(folder, parts));
    assert.equal(failure.type, type);
    assert.equal(failure.nonRetryable, true);
    assert.match(failure.message, says);
    await assertTriedOnce(rig, runId);
    await assertNothingFinal(rig, runId);
    await assertUnnamed(rig, runId);
  });
}

test('a run fails immediately on a missing folder, with the exit code of the command', async () => {
  await writeFile(path.join(user.folder, 'spec.json'), JSON.stringify(specOf('s3://gist/no/such/images')));
  const outcome = await user.gist('run', 'spec.json', '--id', 'nowhere', '--watch', '--json');
  assertRefused(outcome, {
    type: 'FailedRunError',
    code: 1,
    says: /failed with DatasetError: .*contains no images/,
  });
  await assertTriedOnce(rig, 'nowhere');
});

test('a file instead of a folder is rejected', async () => {
  await write(user.folder, 'one.png', await grayPng(1));
  const outcome = await user.gist('dataset', 'build', 'one.png', '--out', 'out', '--json');
  assertRefused(outcome, { type: 'DatasetError', code: 3, says: /is neither a folder nor a \.zip/ });
});

test('invalid images are rejected and listed with their reasons, and named nowhere else', async () => {
  const folder = path.join(rig.folder, 'mixed');
  await writeClasses(folder, { 'früh—早期': 30, spät: 30 });
  const jpeg = await sharp(await grayPng(90, 64, 64))
    .withExif({ IFD0: { ImageDescription: PATIENT } })
    .jpeg()
    .toBuffer();
  const png = await grayPng(3, 400, 300);
  const bad: Record<string, string | Uint8Array> = {
    'empty.png': '',
    'cut.jpg': jpeg.subarray(0, jpeg.length - 60),
    'cut.png': png.subarray(0, png.length >> 1),
    'text.png': `${PATIENT} is not to be named`,
    'vast.png': pngOfSize(60_000, 60_000),
    'film.png': Buffer.from(`GIF89a${PATIENT}`),
    'scan.dcm': Buffer.concat([Buffer.alloc(128), Buffer.from(`DICM${PATIENT}`)]),
  };
  for (const [name, bytes] of Object.entries(bad)) await write(folder, `spät/${PATIENT}-${name}`, bytes);
  await write(folder, `spät/${PATIENT}-whole.jpg`, jpeg);
  await symlink('..', path.join(folder, 'spät', 'loop'));

  const handle = await rig.startRun('mixed', specOf(folder, { maxRejected: 0.2 }));
  await rig.result('mixed');
  const { dataset } = ((await handle.result()) as { stages: { preprocess: { dataset: DatasetRef } } }).stages
    .preprocess;
  assert.equal(dataset.rejected, Object.keys(bad).length);
  assert.equal(dataset.images.train + dataset.images.holdout, 61);
  const { rejected } = await user.json<{ rejected: { name: string; reason: string }[] }>(
    'dataset',
    'inspect',
    `${rig.store.uri}${dataset.prefix}`,
    '--source',
    folder,
  );
  const reasons = Object.fromEntries(
    rejected.map(({ name, reason }) => [name.replace(`spät/${PATIENT}-`, ''), reason]),
  );
  assert.deepEqual(Object.keys(reasons).sort(), Object.keys(bad).sort());
  assert.match(reasons['empty.png'] ?? '', /empty file/);
  assert.match(reasons['cut.jpg'] ?? '', /truncated|corrupt/);
  assert.match(reasons['cut.png'] ?? '', /truncated|corrupt/);
  assert.match(reasons['text.png'] ?? '', /not an image/);
  assert.match(reasons['vast.png'] ?? '', /60000 x 60000 pixels/);
  assert.match(reasons['film.png'] ?? '', /GIF is not supported/);
  assert.match(reasons['scan.dcm'] ?? '', /is truncated/);
  await assertUnnamed(rig, 'mixed');
});
