/** The DICOM reader agrees with values that another implementation computed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decimal, dicomFile, imageElements, nativePixels, SYNTAXES } from '../support/dicom.js';
import { dicomAgrees, formatFile, runDicomParity } from '../support/dicom-parity.js';

/** A folder of other people's files with expected.json, which cannot be part of this repository. */
const FOLDER = process.env.GIST_DICOM_PARITY;

test('every file of the folder agrees', { skip: FOLDER ? false : 'set GIST_DICOM_PARITY' }, async () => {
  const results = await runDicomParity(FOLDER as string);
  assert.ok(dicomAgrees(results), results.map(formatFile).join('\n'));
});

describe('the comparison', () => {
  let folder: string;
  const gray = {
    file: 'gray.dcm',
    transferSyntax: SYNTAXES.explicit,
    rows: 4,
    columns: 4,
    samples: 1,
    hasVoi: false,
    modalityMin: -10,
    modalityMax: 20,
    modalityMean: 5,
    modalitySample: Array.from({ length: 16 }, (_, i) => 2 * i - 10),
    renderedMean: 0.5,
    renderedSample: Array.from({ length: 16 }, (_, i) => 1 - i / 15),
  };
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gist-dicom-'));
    const elements = [
      ...imageElements({ width: 4, height: 4, photometric: 'MONOCHROME1' }),
      decimal(0x00281052, -10),
      decimal(0x00281053, 2),
      nativePixels(Array.from({ length: 16 }, (_, i) => i)),
    ];
    writeFileSync(path.join(folder, 'gray.dcm'), dicomFile(SYNTAXES.explicit, elements));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function compare(...expected: object[]) {
    writeFileSync(path.join(folder, 'expected.json'), JSON.stringify(expected));
    return runDicomParity(folder);
  }

  test('accepts equal values, and names each file', async () => {
    const results = await compare({ ...gray, modalityMean: 5 });
    assert.ok(dicomAgrees(results), results.map(formatFile).join('\n'));
    assert.match(results.map(formatFile).join('\n'), /^gray\.dcm: ok, lossless/);
  });

  test('notices a value, a picture and a size that differ, and a file that is not there', async () => {
    const faults = [
      { ...gray, modalityMax: 21 },
      { ...gray, renderedMean: 0.49 },
      { ...gray, rows: 5 },
      { ...gray, file: 'other.dcm' },
    ];
    const results = await compare(...faults);
    assert.deepEqual(
      results.map((result) => dicomAgrees([result])),
      faults.map(() => false),
    );
    assert.equal(dicomAgrees([]), false);
  });
});
