import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeSyntheticDicom } from '../../../src/generation/dicom.js';
import { decodeDicom } from '../../../src/imaging/dicom/open.js';
import { readDicomTags } from '../../../src/imaging/dicom/tags.js';
import { decodeStored, storedAsPng } from '../../../src/imaging/dataset/stored-image.js';
import { decodePng } from '../../../src/imaging/pixels/png.js';

const [WIDTH, HEIGHT] = [5, 3];
const make = (channels: 1 | 3) => ({
  width: WIDTH,
  height: HEIGHT,
  channels,
  pixels: Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => (i * 83) % 256),
});
const identity = { set: 'runs/r/generate/abc/', seed: 7 };

describe('synthetic images as DICOM', () => {
  for (const channels of [1, 3] as const) {
    it(`have the same pixels with ${channels} channels, also as they are shown`, async () => {
      const image = make(channels);
      const file = encodeSyntheticDicom(image, identity);
      const shape = { width: WIDTH, height: HEIGHT, channels };
      assert.deepEqual(Buffer.from(await decodeStored(file, shape)), Buffer.from(image.pixels));
      const { levels, notes } = await decodeDicom(file, { frames: 'first', window: 'first' });
      assert.deepEqual(Buffer.from(levels), Buffer.from(image.pixels));
      assert.deepEqual(notes, []);
      const png = await decodePng(await storedAsPng(file, shape), shape);
      assert.deepEqual(Buffer.from(png), Buffer.from(image.pixels));
    });
  }

  it('are marked as derived and computer-generated, and have no patient', () => {
    const keywords = ['ImageType', 'ConversionType', 'DerivationDescription', 'BurnedInAnnotation'];
    const tags = readDicomTags(encodeSyntheticDicom(make(1), identity), [
      ...keywords,
      'PatientName',
      'PatientID',
    ]);
    assert.deepEqual(Object.keys(tags), keywords);
    assert.equal(tags.ImageType, 'DERIVED\\SECONDARY');
    assert.match(tags.DerivationDescription ?? '', /Computer-generated/);
    assert.equal(tags.BurnedInAnnotation, 'NO');
  });

  it('have the same bytes when they are written again, and identifiers of their own', () => {
    const file = encodeSyntheticDicom(make(1), identity);
    assert.deepEqual(encodeSyntheticDicom(make(1), identity), file);
    const uids = (other: Uint8Array) =>
      readDicomTags(other, ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID']);
    const own = uids(file);
    for (const uid of Object.values(own)) assert.match(uid, /^2\.25\.[1-9]\d{30,38}$/);
    const next = uids(encodeSyntheticDicom(make(1), { ...identity, seed: 8 }));
    assert.notEqual(next.SOPInstanceUID, own.SOPInstanceUID);
    assert.equal(next.StudyInstanceUID, own.StudyInstanceUID);
    const elsewhere = uids(encodeSyntheticDicom(make(1), { ...identity, set: 'another' }));
    assert.notEqual(elsewhere.StudyInstanceUID, own.StudyInstanceUID);
  });
});

const PYTHON = process.env.GIST_BENCH_PYTHON ?? 'python3';
const hasPydicom = spawnSync(PYTHON, ['-c', 'import pydicom, numpy']).status === 0;

describe('synthetic images as pydicom reads them', {
  skip: hasPydicom ? false : 'pydicom is not installed',
}, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gist-dicom-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const channels of [1, 3] as const) {
    it(`are valid, with the same pixels, with ${channels} channels`, () => {
      const file = path.join(folder, `${channels}.dcm`);
      const image = make(channels);
      writeFileSync(file, encodeSyntheticDicom(image, identity));
      const script = `
import sys, json, pydicom
from pydicom.filewriter import dcmwrite
pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
pydicom.config.settings.writing_validation_mode = pydicom.config.RAISE
ds = pydicom.dcmread(sys.argv[1])
[str(element.value) for element in ds.iterall()]
dcmwrite(sys.argv[1] + '.out', ds, enforce_file_format=True)
print(json.dumps(dict(pixels=ds.pixel_array.ravel().tolist(), name=str(ds.PatientName), uid=ds.SOPInstanceUID.is_valid,
  same=open(sys.argv[1], 'rb').read()[132:] == open(sys.argv[1] + '.out', 'rb').read()[132:])))`;
      const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, file], { encoding: 'utf8' });
      assert.deepEqual(JSON.parse(stdout || stderr), {
        pixels: [...image.pixels],
        name: '',
        uid: true,
        same: true,
      });
    });
  }
});
