/** Nothing that identifies a patient reaches what is written. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeDicom } from '../../../../src/imaging/dicom/open.js';
import { assembleDataset, buildShard, openSource, planDataset } from '../../../../src/imaging/index.js';
import { encodePng } from '../../../../src/imaging/pixels/png.js';
import { preprocessSchema } from '../../../../src/spec/preprocess.js';
import { openStore } from '../../../../src/storage/index.js';
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
const file = (seed: number) =>
  dicomFile(SYNTAXES.explicit, [
    ...planted(),
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

  it('contains none of them: plan, shards, reports, manifest', async () => {
    const source = path.join(folder, 'source');
    const spec = preprocessSchema.parse({ source, resolution: 16, maxRejected: 1 });
    const store = openStore(path.join(folder, 'store'));
    const { digest, shards } = await planDataset(store, spec);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(source), spec, { digest, shard });
    const { images } = await assembleDataset(store, spec, digest);
    assert.ok(images.train > 0);
    const written = readdirSync(path.join(folder, 'store'), { recursive: true, withFileTypes: true });
    const files = written.filter((entry) => entry.isFile());
    assert.ok(files.length >= 4);
    for (const { parentPath, path: parent, name } of files)
      assertClean(readFileSync(path.join(parentPath ?? parent, name)), name);
  });
});
