/** Which DICOM elements a spec may name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preprocessSchema } from '../../../src/spec/preprocess.js';

const accepts = (keys: Record<string, unknown>) =>
  preprocessSchema.safeParse({ source: '/images', ...keys }).success;

test('labels and subsets may not name a patient or a study: their values are stored with the settings', () => {
  for (const name of [
    'PatientID',
    'PatientName',
    '00100020',
    '(0010,0010)',
    'StudyInstanceUID',
    '0020000D',
  ]) {
    assert.ok(!accepts({ where: { [name]: 'x' } }), name);
    assert.ok(!accepts({ labels: { dicom: name } }), name);
  }
  for (const name of ['ViewPosition', 'BodyPartExamined', '00185101']) {
    assert.ok(accepts({ where: { [name]: ['AP', 'PA'] } }), name);
    assert.ok(accepts({ labels: { dicom: name } }), name);
  }
});
