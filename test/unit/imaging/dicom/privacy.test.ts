/** Nothing that identifies a patient reaches what is written. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeDicom } from '../../../../src/imaging/dicom/open.js';
import { assembleDataset, buildShard, openSource, planDataset } from '../../../../src/imaging/index.js';
import { encodePng } from '../../../../src/imaging/pixels/png.js';
import { type PreprocessSpec, preprocessSchema } from '../../../../src/spec/preprocess.js';
import { type ObjectStore, openStore } from '../../../../src/storage/index.js';
import {
  dicomFile,
  imageElements,
  nativePixels,
  SYNTAXES,
  type TestElement,
} from '../../../support/dicom.js';

const PLANTED = 'ZQPLANTEDQZ';
/** A number as it stands in identifiers. */
const PLANTED_UID = '1.2.826.0.1.9876598765';

/** Every element that can hold text, in the order of tags, with the planted strings. */
function planted(): TestElement[] {
  const text = ['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'];
  const elements = text.flatMap((vr, i): TestElement[] => [
    { tag: 0x00080080 + i, vr, value: PLANTED },
    { tag: 0x00100010 + i, vr, value: `${PLANTED}^${vr}` },
    { tag: 0x00204000 + i, vr, value: PLANTED },
    { tag: 0x00291000 + i, vr, value: PLANTED },
  ]);
  const nested: TestElement = {
    tag: 0x00081140,
    vr: 'SQ',
    value: [[{ tag: 0x00100010, vr: 'PN', value: PLANTED }]],
  };
  const uids = [0x00080018, 0x0020000d, 0x0020000e];
  return [nested, ...elements, ...uids.map((tag): TestElement => ({ tag, vr: 'UI', value: PLANTED_UID }))];
}

const SIDE = 32;
const file = (seed: number, patient = PLANTED) =>
  dicomFile(SYNTAXES.explicit, [
    ...planted(),
    { tag: 0x00100020, vr: 'LO', value: patient },
    ...imageElements({ width: SIDE, height: SIDE }).slice(1),
    nativePixels(Array.from({ length: SIDE * SIDE }, (_, i) => (i * seed) % 4096)),
  ]);

const namedFile = (seed: number, name: string) =>
  dicomFile(SYNTAXES.explicit, [
    { tag: 0x00100010, vr: 'PN', value: name },
    ...imageElements({ width: SIDE, height: SIDE }).slice(1),
    nativePixels(Array.from({ length: SIDE * SIDE }, (_, i) => (i * seed) % 4096)),
  ]);

function assertClean(bytes: Uint8Array, what: string): void {
  const buffer = Buffer.from(bytes);
  for (const secret of [PLANTED, PLANTED_UID]) {
    for (const encoding of ['latin1', 'utf16le'] as const)
      assert.equal(buffer.indexOf(secret, 0, encoding), -1, `${what} contains a planted string`);
  }
}

describe('names in every tag', () => {
  it('are neither in pixels nor in notes', async () => {
    const image = await decodeDicom(file(3), { frames: 'first', window: 'first' });
    assertClean(await encodePng(image.levels, image.width, image.height, image.channels), 'the PNG file');
    assertClean(Buffer.from(image.notes.join()), 'a note');
  });

  it('are not in the reason why a file is set aside, wherever it is cut', async () => {
    const whole = file(5);
    for (let end = 0; end < whole.length; end += 17) {
      try {
        await decodeDicom(whole.subarray(0, end), { frames: 'first', window: 'first' });
      } catch (error) {
        assertClean(Buffer.from(String(error)), 'a reason');
      }
    }
  });
});

describe('a data set of files with names in every tag', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gist-privacy-'));
    for (const name of ['a', 'b']) {
      mkdirSync(path.join(folder, 'source', name), { recursive: true });
      for (let i = 1; i <= 4; i++) {
        const at = (extension: string) => path.join(folder, 'source', name, `${i}.${extension}`);
        const pixels = Buffer.alloc(SIDE * SIDE, 30 * i);
        const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
        const exif = { IFD0: { ImageDescription: PLANTED, Artist: PLANTED } };
        const jpeg = await sharp(pixels, { raw }).withExif(exif).jpeg().toBuffer();
        assert.ok(jpeg.includes(PLANTED));
        writeFileSync(at('jpg'), jpeg);
        writeFileSync(at('dcm'), file(i));
      }
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('contains none of them: plan, shards, reports, manifest, what a run records, lines of the log', async () => {
    const source = path.join(folder, 'source');
    // A frame without pixels is set aside, with its reason.
    writeFileSync(path.join(source, 'a', '9.dcm'), file(3).subarray(0, -100));
    const patients = path.join(folder, 'patients');
    for (let i = 0; i < FILES; i++) {
      const at = path.join(patients, i < FILES / 2 ? 'a' : 'b');
      mkdirSync(at, { recursive: true });
      writeFileSync(path.join(at, `${i}.dcm`), file(i + 1, `${PLANTED}${i >> 1}`));
    }
    const settings = [
      {},
      { duplicates: 'near', strict: true },
      { source: patients, holdout: { by: 'patient', fraction: 0.5 } },
    ];
    for (const [i, keys] of settings.entries()) {
      const spec = preprocessSchema.parse({ source, resolution: 16, maxRejected: 0.2, ...keys });
      const store = openStore(path.join(folder, `store${i}`));
      const { recorded, images } = await withLog(() => build(store, spec));
      assertClean(Buffer.from(recorded), 'what is recorded');
      assert.equal(images, FILES);
      const written = readdirSync(path.join(folder, `store${i}`), { recursive: true, withFileTypes: true });
      const files = written.filter((entry) => entry.isFile());
      assert.ok(files.length >= 4);
      for (const { parentPath, name } of files) {
        const bytes = readFileSync(path.join(parentPath, name));
        assertClean(bytes, name);
        for (const packed of name.endsWith('.gz') ? [gunzipSync(bytes)] : []) assertClean(packed, name);
      }
    }
  });

  it('is refused when its classes are the patients', async () => {
    const source = path.join(folder, 'by-name');
    for (const [i, name] of ['Doe Jane', 'Roe_Richard'].entries()) {
      mkdirSync(path.join(source, name), { recursive: true });
      for (let k = 0; k < 5; k++)
        writeFileSync(
          path.join(source, name, `${k}`),
          namedFile(5 * i + k + 1, name.replace(/[ _]/, '^').toUpperCase()),
        );
    }
    const spec = preprocessSchema.parse({ source, resolution: 16 });
    await assert.rejects(planDataset(openStore(path.join(folder, 'refused')), spec), (error: Error) => {
      assert.match(error.message, /2 of 2 classes have the names or ids of the patients/);
      return !/doe|roe/i.test(error.message.replaceAll(source, ''));
    });
  });

  it('fails without them when too many files are set aside', async () => {
    const spec = preprocessSchema.parse({
      source: path.join(folder, 'source'),
      resolution: 16,
      maxRejected: 0,
    });
    const store = openStore(path.join(folder, 'failed'));
    await assert.rejects(build(store, spec), (error: Error) => {
      assertClean(Buffer.from(inspect(error, { depth: 10 })), 'an error');
      return true;
    });
  });
});

/** JPEG and DICOM files that are not damaged. */
const FILES = 16;

/** @returns what Temporal records of a build, and the number of images */
async function build(store: ObjectStore, spec: PreprocessSpec) {
  const plan = await planDataset(store, spec);
  const { digest, shards } = plan;
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(spec.source), spec, { digest, shard });
  const dataset = await assembleDataset(store, spec, digest);
  const { train, holdout } = dataset.images;
  return { recorded: JSON.stringify([plan, dataset]), images: train + holdout };
}

/** Adds what was written on standard error to what is recorded. */
async function withLog<Result extends { recorded: string }>(work: () => Promise<Result>): Promise<Result> {
  const lines: string[] = [];
  const { write } = process.stderr;
  process.stderr.write = (line: string | Uint8Array) => lines.push(String(line)) > 0;
  try {
    const result = await work();
    return { ...result, recorded: result.recorded + lines.join('') };
  } finally {
    process.stderr.write = write;
  }
}
