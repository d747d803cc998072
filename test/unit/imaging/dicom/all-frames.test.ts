/** `dicom.frames: all`: each frame is an image, and the frames of a file are on one side. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  assembleDataset,
  buildShard,
  openDataset,
  openSource,
  planDataset,
  type ImageSource,
  splitSurvey,
  surveySource,
} from '../../../../src/imaging/index.js';
import { preprocessSchema } from '../../../../src/spec/preprocess.js';
import { openStore } from '../../../../src/storage/index.js';
import {
  dicomFile,
  encapsulatedFile,
  imageElements,
  nativePixels,
  rleFrame,
  SYNTAXES,
} from '../../../support/dicom.js';
import { withFolder } from '../../../support/images.js';

const SIDE = 16;
const DESCRIPTION = { width: SIDE, height: SIDE, bits: 8 } as const;
const flat = (level: number) => Buffer.alloc(SIDE * SIDE, level);
const jpeg = (level: number) =>
  sharp(flat(level), { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace('b-w')
    .jpeg({ quality: 100 })
    .toBuffer();

/** Levels of the frames of each file: native, RLE, and JPEG with one and two fragments a frame. */
const LEVELS: Record<string, number[]> = {
  'a/explicit.dcm': [10, 20, 30],
  'a/big.dcm': [40, 50],
  'a/single.dcm': [60],
  'b/rle.dcm': [70, 80, 90, 100],
  'b/jpeg.dcm': [110, 120],
  'b/halves.dcm': [130, 140, 150],
};

async function fileOf(name: string, levels: number[]): Promise<Buffer> {
  const image = imageElements({ ...DESCRIPTION, ...(levels.length > 1 ? { frames: levels.length } : {}) });
  const pixels = nativePixels([...Buffer.concat(levels.map(flat))], 8);
  switch (path.basename(name, '.dcm')) {
    case 'big':
      return dicomFile(SYNTAXES.bigEndian, [...image, pixels]);
    case 'rle':
      return encapsulatedFile(
        SYNTAXES.rle,
        image,
        levels.map((level) => rleFrame([flat(level)])),
      );
    case 'jpeg':
      return encapsulatedFile(SYNTAXES.jpegBaseline, image, await Promise.all(levels.map(jpeg)));
    case 'halves': {
      const streams = await Promise.all(levels.map(jpeg));
      const fragments = streams.flatMap((stream) => [stream.subarray(0, 100), stream.subarray(100)]);
      let at = 0;
      const offsets = streams.map(({ length }) => {
        const start = at;
        at += 8 + 100 + 8 + 2 * Math.ceil((length - 100) / 2);
        return start;
      });
      return encapsulatedFile(SYNTAXES.jpegBaseline, image, fragments, { offsets });
    }
    default:
      return dicomFile(SYNTAXES.explicit, [...image, pixels]);
  }
}

async function writeFiles(folder: string): Promise<string> {
  const source = path.join(folder, 'source');
  for (const [name, levels] of Object.entries(LEVELS)) {
    mkdirSync(path.join(source, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(source, name), await fileOf(name, levels));
  }
  return source;
}

const settings = {
  resolution: 16,
  dicom: { frames: 'all', window: { center: 128, width: 256 } },
  duplicates: 'near',
} as const;

test('every frame of every encoding is an image with its own pixels and the label of its file', () =>
  withFolder(async (folder) => {
    const source = await writeFiles(folder);
    const spec = preprocessSchema.parse({ ...settings, source, holdout: { fraction: 0 } });
    const store = openStore(path.join(folder, 'store'));
    const { digest, shards } = await planDataset(store, spec);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(source), spec, { digest, shard });
    const { prefix } = await assembleDataset(store, spec, digest);
    const dataset = await openDataset(store, prefix);
    assert.deepEqual([dataset.manifest.rejected, dataset.manifest.notes], [[], {}]);
    const seen: [number, number][] = [];
    for await (const { label, pixels } of dataset.images('train'))
      seen.push([label as number, 10 * Math.round((pixels[0] as number) / 10)]);
    const expected = Object.entries(LEVELS).flatMap(([name, levels]) =>
      levels.map((level) => [name.startsWith('a') ? 0 : 1, level]),
    );
    assert.deepEqual(
      seen.sort(([, a], [, b]) => a - b),
      expected,
    );
  }));

test('frames that were made while copies were searched for are the same, and not read again', () =>
  withFolder(async (folder) => {
    const source = await writeFiles(folder);
    const spec = preprocessSchema.parse({ ...settings, source, duplicates: 'near' });
    const built = async (name: string, duplicates: 'near' | 'exact') => {
      const store = openStore(path.join(folder, name));
      const { digest, shards } = await planDataset(store, { ...spec, duplicates });
      if (duplicates === 'near') renameSync(source, `${source}-away`);
      for (let shard = 0; shard < shards; shard++)
        await buildShard(store, openSource(source), spec, { digest, shard });
      const { prefix } = await assembleDataset(store, spec, digest);
      return (await openDataset(store, prefix)).manifest;
    };
    const exact = await built('exact', 'exact');
    const near = await built('near', 'near');
    assert.deepEqual(
      [near.images, near.shards, near.exposure, near.sizes],
      [exact.images, exact.shards, exact.exposure, exact.sizes],
    );
  }));

test('the frames of a file are on one side of the split, and no copies of each other', () =>
  withFolder(async (folder) => {
    const source = await writeFiles(folder);
    for (let seed = 0; seed < 8; seed++) {
      const spec = preprocessSchema.parse({ ...settings, source, holdout: { fraction: 0.4, seed } });
      const opened = openSource(source);
      const survey = await surveySource(opened, spec);
      assert.equal(survey.images.length, 15);
      const { split, duplicates } = await splitSurvey(opened, spec, survey);
      assert.equal(duplicates.report.exact.sets, 0);
      const files = (side: Uint32Array) => new Set(Array.from(side, (i) => survey.images.at(i)?.name));
      const both = [...files(split.train)].filter((name) => files(split.holdout).has(name));
      assert.deepEqual(both, []);
      assert.equal(split.train.length + split.holdout.length, 15);
    }
  }));

test('a file that declares more frames than it has gives the whole ones, and one that says why not', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    mkdirSync(source);
    const image = imageElements({ ...DESCRIPTION, frames: 2_000_000_000 });
    const frames = [1, 2, 3, 4, 5].map((level) => flat(20 * level));
    const pixels = nativePixels([...Buffer.concat(frames), 1, 2], 8);
    writeFileSync(path.join(source, 'cut.dcm'), dicomFile(SYNTAXES.explicit, [...image, pixels]));
    writeFileSync(
      path.join(source, 'other.png'),
      await sharp(flat(9), { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .png()
        .toBuffer(),
    );
    const spec = preprocessSchema.parse({ ...settings, source, holdout: { fraction: 0 }, maxRejected: 0.5 });
    const store = openStore(path.join(folder, 'store'));
    const { digest } = await planDataset(store, spec);
    await buildShard(store, openSource(source), spec, { digest, shard: 0 });
    const { images, prefix } = await assembleDataset(store, spec, digest);
    assert.equal(images.train, 6);
    const { rejected } = (await openDataset(store, prefix)).manifest;
    assert.equal(rejected.length, 1);
    assert.match(rejected[0]?.reason ?? '', /^frame 5: is truncated/);
    assert.equal(rejected[0]?.position, 1);
  }));

test('a file is read once for all its frames that a shard has, whatever their order', () =>
  withFolder(async (folder) => {
    const source = await writeFiles(folder);
    const spec = preprocessSchema.parse({ ...settings, source, duplicates: 'exact', splits: null });
    const store = openStore(path.join(folder, 'store'));
    const { digest, shards } = await planDataset(store, {
      ...spec,
      holdout: { ...spec.holdout, fraction: 0 },
    });
    assert.equal(shards, 1);
    const opened = openSource(source);
    const reads: Record<string, number> = {};
    const counting: ImageSource = {
      uri: opened.uri,
      contents: opened.contents,
      list: () => opened.list(),
      read: (name) => {
        reads[name] = (reads[name] ?? 0) + 1;
        return opened.read(name);
      },
    };
    await buildShard(store, counting, spec, { digest, shard: 0 });
    assert.deepEqual(reads, Object.fromEntries(Object.keys(LEVELS).map((name) => [name, 1])));
  }));
