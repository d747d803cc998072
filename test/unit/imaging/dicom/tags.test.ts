import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageError, SpecError } from '../../../../src/core/errors.js';
import { isDicomDir, looksLikeDicom } from '../../../../src/imaging/dicom/sniff.js';
import { matchesTags, readDicomTags } from '../../../../src/imaging/dicom/tags.js';
import { preprocessSchema } from '../../../../src/spec/preprocess.js';
import {
  dicomFile,
  imageElements,
  nativePixels,
  SYNTAXES,
  type TestElement,
} from '../../../support/dicom.js';

const cs = (tag: number, value: string): TestElement => ({ tag, vr: 'CS', value });
const ELEMENTS: TestElement[] = [
  cs(0x00080005, 'ISO_IR 192'),
  cs(0x00080008, 'DERIVED\\SECONDARY'),
  { tag: 0x0008103e, vr: 'LO', value: 'Ellenbogen äöü ' },
  cs(0x00180015, 'ELBOW'),
  cs(0x00185101, 'LATERAL'),
  { tag: 0x00204000, vr: 'LT', value: 'x'.repeat(5000) },
  ...imageElements({ width: 2, height: 1 }).slice(1),
  nativePixels([1, 2]),
];

describe('readDicomTags', () => {
  const keywords = ['BodyPartExamined', 'ViewPosition', 'ImageType', 'SeriesDescription', 'PatientID'];
  for (const name of ['implicit', 'explicit', 'bigEndian', 'deflated'] as const) {
    it(`gives the values that are there, from the beginning of ${name} files`, () => {
      const file = dicomFile(SYNTAXES[name], ELEMENTS);
      const start = name === 'deflated' ? file : file.subarray(0, 700);
      assert.deepEqual(readDicomTags(start, keywords), {
        BodyPartExamined: 'ELBOW',
        ViewPosition: 'LATERAL',
        ImageType: 'DERIVED\\SECONDARY',
        SeriesDescription: 'Ellenbogen äöü',
      });
    });
  }

  it('reads numbers, and elements by number', () => {
    const tags = readDicomTags(dicomFile(SYNTAXES.implicit, ELEMENTS), ['Rows', '0028,0011', '00185101']);
    assert.deepEqual(tags, { Rows: '1', '0028,0011': '2', '00185101': 'LATERAL' });
  });

  it('does not call a tag absent that may come later', () => {
    const file = dicomFile(SYNTAXES.explicit, ELEMENTS);
    assert.throws(() => readDicomTags(file.subarray(0, 700), ['Rows']), ImageError);
  });

  it('refuses files that are not DICOM, and unknown keywords', () => {
    assert.throws(() => readDicomTags(Buffer.from('no image at all'), ['Rows']), ImageError);
    assert.throws(() => readDicomTags(dicomFile(SYNTAXES.explicit, ELEMENTS), ['Elbow']), SpecError);
  });
});

describe('matchesTags', () => {
  const tags = { BodyPartExamined: 'ELBOW', ImageType: 'DERIVED\\SECONDARY' };

  it('needs every tag, in any case, with one of the alternatives', () => {
    assert.ok(matchesTags(tags, { BodyPartExamined: 'elbow' }));
    assert.ok(matchesTags(tags, { BodyPartExamined: ['KNEE', 'Elbow '], ImageType: 'secondary' }));
    assert.ok(!matchesTags(tags, { BodyPartExamined: 'ELBOW', ViewPosition: 'LATERAL' }));
    assert.ok(!matchesTags(tags, { ImageType: 'SECOND' }));
    assert.ok(matchesTags({ Rows: '512' }, { Rows: 512 }));
  });
});

describe('the keys of a spec', () => {
  it('name known keywords or numbers of elements', () => {
    const parse = (where: object) => preprocessSchema.safeParse({ source: 'a', where }).success;
    assert.ok(parse({ ViewPosition: ['LATERAL', 'LL'], '00181030': 'x' }));
    assert.ok(!parse({ ViewPos: 'LATERAL' }));
    const { dicom, privacy, where } = preprocessSchema.parse({ source: 'a' });
    assert.deepEqual(dicom, { frames: 'first', window: 'first' });
    assert.deepEqual([privacy, where], [{ burnedIn: 'warn', names: 'hide' }, null]);
  });
});

describe('looksLikeDicom', () => {
  it('recognizes files with and without preamble', () => {
    for (const name of ['implicit', 'explicit', 'bigEndian'] as const) {
      assert.ok(looksLikeDicom(dicomFile(SYNTAXES[name], ELEMENTS)), name);
      const bare = dicomFile(SYNTAXES[name], ELEMENTS, { isBare: true });
      assert.ok(looksLikeDicom(bare), `bare ${name}`);
      assert.ok(looksLikeDicom(bare.subarray(0, 132)), `start of bare ${name}`);
    }
  });

  it('does not take other files for DICOM', () => {
    const others = [
      '\x89PNG\r\n\x1a\n',
      '\xff\xd8\xff\xe0',
      'GIF89a',
      '\b\0',
      '\b\0\x05\0text text text',
      'PK\x03\x04',
    ];
    for (const other of others)
      assert.ok(!looksLikeDicom(Buffer.from(other.padEnd(200, 'x'), 'latin1')), other);
    assert.ok(!looksLikeDicom(Buffer.alloc(0)));
    assert.ok(!looksLikeDicom(Buffer.alloc(200, 8)));
  });

  it('tells a DICOMDIR from images', () => {
    const meta = (sopClass: string) => {
      const file = dicomFile(SYNTAXES.explicit, ELEMENTS);
      const at = file.indexOf('1.2.840.10008.5.1.4.1.1.7');
      const part = Buffer.from(file);
      part.write(sopClass.padEnd(26, '\0'), at, 'latin1');
      return part;
    };
    assert.ok(isDicomDir(meta('1.2.840.10008.1.3.10')));
    assert.ok(!isDicomDir(meta('1.2.840.10008.1.3.101')));
    assert.ok(!isDicomDir(dicomFile(SYNTAXES.explicit, ELEMENTS)));
  });
});
