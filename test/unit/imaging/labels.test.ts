/** Where classes come from, and sources whose folders are no classes. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { DatasetError } from '../../../src/core/errors.js';
import { openSource } from '../../../src/imaging/source/source.js';
import { LEFT_OUT } from '../../../src/imaging/labels/labels.js';
import { type Survey, type SurveyOptions, surveySource } from '../../../src/imaging/dataset/survey.js';
import { dicomFile, SYNTAXES } from '../../support/dicom.js';
import { parseWith } from '../../../src/spec/parse.js';
import { preprocessSchema } from '../../../src/spec/preprocess.js';
import { deflatedZip, storedZip, withFolder } from '../../support/images.js';

/** Writes files with the given names; a name that ends in a slash is an empty folder. */
async function write(folder: string, names: readonly string[], content: string | Buffer = 'x') {
  for (const name of names) {
    const file = path.join(folder, name);
    await mkdir(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith('/')) await writeFile(file, content);
  }
}

async function survey(source: string, keys: object = {}, options: SurveyOptions = {}): Promise<Survey> {
  const spec = parseWith(preprocessSchema, { source, ...keys });
  return surveySource(openSource(source), spec, options);
}

/** `name: class` of each image; `-` for those that are left out. */
function classesOf({ images, labels }: Survey): Record<string, string> {
  const label = (i: number) => labels.labels[i] as number;
  const named = (i: number) => (label(i) === LEFT_OUT ? '-' : (labels.classes?.[label(i)] ?? 'none'));
  return Object.fromEntries(Array.from(images, ({ name }, i) => [name, named(i)]));
}

/** A test body with the files of a folder. */
function withFiles(names: readonly string[], body: (folder: string) => Promise<unknown>) {
  return () =>
    withFolder(async (folder) => {
      await write(folder, names);
      await body(folder);
    });
}

function refuses(work: Promise<unknown>, ...says: RegExp[]) {
  return assert.rejects(
    work,
    (e) => e instanceof DatasetError && says.every((pattern) => pattern.test(e.message)),
  );
}

const KNEES = ['0', '1', '2', '3', '4'].flatMap((grade) => [`${grade}/a.png`, `${grade}/b.png`]);

test(
  'folders are classes in natural order, and auto says so',
  withFiles(['grade10/a.png', 'grade2/deep/b.png', 'grade2/c.png'], async (folder) => {
    const { labels } = await survey(folder);
    assert.deepEqual(labels.classes, ['grade2', 'grade10']);
    assert.deepEqual([...labels.labels], [1, 0, 0]);
    assert.equal(labels.basis.from, 'folders');
    assert.equal((await survey(folder, { labels: 'none' })).labels.classes, null);
  }),
);

test('images in one folder have no labels, and a table beside them is pointed out', () =>
  withFolder(async (folder) => {
    await write(folder, ['images/1.png', 'images/2.png', 'Data.csv']);
    const { labels } = await survey(folder);
    assert.equal(labels.classes, null);
    assert.match(labels.basis.why, /one folder.* 1 CSV file may: labels: \{csv: FILE\}/);
  }));

test("images outside the class folders are counted, not named: a name may contain a patient's name", () =>
  withFolder(async (folder) => {
    await write(folder, ['a/1.png', 'b/1.png', 'stray1.png', 'stray2.png']);
    await assert.rejects(
      survey(folder),
      (e) => e instanceof DatasetError && /2 of 4 images/.test(e.what) && !/stray/.test(e.message),
    );
    await refuses(survey(path.join(folder, 'a'), { labels: 'folders' }), /has no class folders/);
  }));

test('one wrapping folder and ./ are looked through, in folders and archives', () =>
  withFolder(async (folder) => {
    await write(
      folder,
      KNEES.map((name) => `set/knees/${name}`),
    );
    assert.deepEqual((await survey(path.join(folder, 'set'))).labels.classes, ['0', '1', '2', '3', '4']);
    for (const [i, prefix] of ['knees/', './', './knees/'].entries()) {
      const file = path.join(folder, `${i}.zip`);
      await storedZip(
        file,
        KNEES.map((name) => ({ name: prefix + name, bytes: Buffer.from('x') })),
      );
      for (const labels of ['auto', 'folders'])
        assert.deepEqual((await survey(file, { labels })).labels.classes, ['0', '1', '2', '3', '4']);
    }
  }));

const SPLIT = ['train', 'val', 'test', 'auto_test'].flatMap((split) =>
  KNEES.map((name) => `${split}/${name}`),
);

test(
  'folders of a split are no classes: refused with both ways out, merged, or kept',
  withFiles(SPLIT, async (folder) => {
    for (const labels of ['auto', 'folders', 'none'])
      await refuses(
        survey(folder, { labels }),
        /auto_test, test, train, val, which are a split/,
        /"keep".*"merge"/,
      );
    const merged = await survey(folder, { splits: 'merge' });
    assert.deepEqual(merged.labels.classes, ['0', '1', '2', '3', '4']);
    const kept = await survey(folder, { splits: 'keep' });
    assert.deepEqual(kept.labels.classes, ['0', '1', '2', '3', '4']);
    const held = [...kept.images].filter((_, i) => kept.sides[i] === 1).map(({ name }) => name);
    assert.deepEqual(held, SPLIT.filter((name) => !name.startsWith('train/')).sort());
    await refuses(survey(path.join(folder, 'train'), { splits: 'keep' }), /no folders such as train/);
  }),
);

test(
  'folders of a split beside others are refused',
  withFiles(['train/0/a.png', 'test/0/a.png', 'masks/0/a.png'], (folder) =>
    refuses(survey(folder), /beside 1 others/),
  ),
);

const MURA = [1, 2, 3, 4].flatMap((patient) =>
  ['study1_positive', 'study2_negative'].flatMap((study) =>
    [1, 2].map((i) => `MURA-v1.1/train/XR_ELBOW/patient0000${patient}/${study}/image${i}.png`),
  ),
);
const RULE = 'XR_*/patient(?<patient>\\d+)/study\\d+_(?<label>\\w+)';

test(
  'classes that look like patients are refused with advice, and not named',
  withFiles(MURA, async (folder) => {
    for (const source of [folder, path.join(folder, 'MURA-v1.1/train/XR_ELBOW')])
      for (const labels of ['auto', 'folders'])
        await assert.rejects(
          survey(source, { labels }),
          (e) =>
            e instanceof DatasetError &&
            /4 of 4 classes look like ids of patients.*"path".*"csv"/.test(e.message) &&
            !/patient0000/.test(e.message),
        );
  }),
);

test(
  'a pattern over the path gives the label, and the patient for the holdout',
  withFiles([...MURA, 'MURA-v1.1/train/cover.png'], async (folder) => {
    const found = await survey(folder, { labels: { path: RULE }, holdout: { by: 'patient' } });
    assert.deepEqual(found.labels.classes, ['negative', 'positive']);
    assert.deepEqual(found.leftOut, { 'images whose path the pattern for labels does not match': 1 });
    const sides = new Map<string, Set<number>>();
    for (const [i, name] of found.layout.paths.entries()) {
      const patient = /patient\d+/.exec(name)?.[0] ?? '';
      sides.set(patient, (sides.get(patient) ?? new Set()).add(found.sides[i] as number));
    }
    assert.ok([...sides.values()].every((of) => of.size === 1));
    assert.match((await survey(folder, { labels: { path: RULE } })).notices.join(), /suggest 4 patients/);
  }),
);

test('a pattern that backtracks for ever is stopped, and an invalid one is refused with the reason', () =>
  withFolder(async (folder) => {
    await write(folder, [`${'a'.repeat(60)}!.png`, 'b.png']);
    await refuses(survey(folder, { labels: { path: '(a|a)*(?<label>b)' } }), /takes too long/);
    for (const [pattern, reason] of [
      ['(?<label>', /must be a regular expression/],
      ['(?<class>x)', /must have the group \(\?<label>/],
    ] as const)
      await assert.rejects(survey(folder, { labels: { path: pattern } }), reason);
  }));

test("StyleGAN's dataset.json has the labels, in folders and archives", () =>
  withFolder(async (folder) => {
    const names = Array.from({ length: 6 }, (_, i) => `0000${i % 2}/img0000000${i}.png`);
    const json = JSON.stringify({ labels: names.map((name, i) => [name, i % 3]) });
    await write(folder, names);
    assert.equal((await survey(folder)).labels.classes, null);
    await write(folder, ['dataset.json'], json);
    const { labels } = await survey(folder);
    assert.deepEqual([labels.classes, labels.basis.from], [['0', '1', '2'], 'dataset.json']);
    const file = path.join(folder, 'stylegan.zip');
    const bytes = Buffer.from('x');
    await deflatedZip(file, [
      ...names.map((name) => ({ name, bytes })),
      { name: 'dataset.json', bytes: Buffer.from(json) },
    ]);
    assert.deepEqual(classesOf(await survey(file)), {
      '00000/img00000000.png': '0',
      '00000/img00000002.png': '2',
      '00000/img00000004.png': '1',
      '00001/img00000001.png': '1',
      '00001/img00000003.png': '0',
      '00001/img00000005.png': '2',
    });
    await writeFile(path.join(folder, 'dataset.json'), '{"labels": null}');
    assert.equal((await survey(folder)).labels.classes, null);
  }));

const NIH = [
  'Image Index,Finding Labels,Follow-up #,Patient ID',
  '00000001_000.png,No Finding,0,1',
  '00000001_001.png,"Mass|Effusion",1,1',
  '00000002_000.png,Effusion|Mass,0,2',
  '00000003_000.png,Effusion,0,3',
  '00000009_000.png,Effusion,0,9',
].join('\r\n');

test('a CSV file gives labels: several findings are combined, the first, or one against the rest', () =>
  withFolder(async (folder) => {
    const images = ['1_000', '1_001', '2_000', '3_000', '4_000'].map((id) => `images/0000000${id}.png`);
    await write(folder, images);
    await write(folder, ['Data_Entry.csv'], `\ufeff${NIH}`);
    const csv = {
      csv: 'Data_Entry.csv',
      path: 'image index',
      label: 'Finding Labels',
      patient: 'Patient ID',
    };
    const classes = async (keys: object) => Object.values(classesOf(await survey(folder, { labels: keys })));
    assert.deepEqual(await classes(csv), ['No Finding', 'Effusion|Mass', 'Effusion|Mass', 'Effusion', '-']);
    assert.deepEqual(await classes({ ...csv, findings: 'first' }), [
      'No Finding',
      'Mass',
      'Effusion',
      'Effusion',
      '-',
    ]);
    assert.deepEqual(await classes({ ...csv, findings: { one: 'Mass' } }), [
      'not Mass',
      'Mass',
      'Mass',
      'not Mass',
      '-',
    ]);
    const { leftOut, notices } = await survey(folder, { labels: { csv: 'Data_Entry.csv' } });
    assert.deepEqual(leftOut, { 'images without a label in the table': 1 });
    assert.match(notices.join(), /1 row of labels is of no image in the source, of 5/);
    const byPatient = await survey(folder, { labels: csv, holdout: { by: 'patient' } });
    assert.deepEqual(
      new Set([...byPatient.keys].slice(0, 4)),
      new Set(['1', '2', '3'].map((id) => `\0${id}`)),
    );
    await refuses(
      survey(folder, { labels: { ...csv, label: 'Findings' } }),
      /no column "Findings".*"Finding Labels"/,
    );
    await refuses(survey(folder, { labels: { csv: 'nothing.csv' } }), /no such file of labels/);
  }));

test(
  'rows that give an image two patients or two labels are refused, with the numbers of both rows',
  withFiles(['a.png', 'b.png', 'c.png'], async (folder) => {
    const refusal = async (...rows: string[]) => {
      await writeFile(path.join(folder, 'labels.csv'), ['file,label,patient', ...rows].join('\n'));
      return survey(folder, { labels: { csv: 'labels.csv' }, holdout: { by: 'patient' } });
    };
    const rows = ['a.png,0,P1', 'b.png,1,P2', 'c.png,1,P3'];
    await assert.rejects(
      refusal(...rows, 'a.png,0,P9'),
      (e) =>
        e instanceof DatasetError &&
        /rows 2 and 5 give an image two patients/.test(e.message) &&
        !/P9/.test(e.message),
    );
    await assert.rejects(refusal(...rows, 'b.png,0,P2'), /rows 3 and 5 give an image two labels/);
    assert.equal((await refusal(...rows, 'a.png,0,P1')).images.length, 3);
  }),
);

test(
  'files that may hold images but are not read are noticed by kind, with what to do',
  withFiles(['0/a.png', '1/b.png', '0/mri.nii.gz', '0/scan.mhd', '1/c.pgm', '1/d.raw'], async (folder) => {
    const { notices } = await survey(folder);
    const all = notices.join('\n');
    assert.match(all, /left out: 2 volumes .*Export the slices as PNG or DICOM/);
    assert.match(all, /left out: 1 image in Netpbm.*Convert/);
    assert.match(all, /left out: 1 file of raw pixels.*Convert/);
  }),
);

test('a CSV file may lie elsewhere, quote its fields, use semicolons, and name paths without extension', () =>
  withFolder(async (folder) => {
    await write(folder, ['set/left/1.png', 'set/right/1.png', 'set/right/2.png']);
    const file = path.join(folder, 'labels.csv');
    await writeFile(
      file,
      'path;grade;comment\n"left/1.png";"4";"a ""b""\nc"\nset\\right\\1;0;\nother/set/right/2.png;2;x',
    );
    const found = await survey(path.join(folder, 'set'), { labels: { csv: file } });
    assert.deepEqual(found.labels.classes, ['0', '2', '4']);
    assert.deepEqual(Object.values(classesOf(found)), ['4', '0', '2']);
    await writeFile(file, 'path,grade\n1.png,4\n');
    await refuses(
      survey(path.join(folder, 'set'), { labels: { csv: file } }),
      /1 row matches more than one image/,
    );
    await writeFile(file, 'path,grade\n2.png,4\n2.png,3\n');
    await refuses(
      survey(path.join(folder, 'set'), { labels: { csv: file } }),
      /rows 2 and 3 give an image two labels/,
    );
  }));

const CHEXPERT = [
  'Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Pleural Effusion',
  'CheXpert-v1.0-small/train/patient1/study1/view1.jpg,Male,68,Frontal,AP,1.0,,',
  'CheXpert-v1.0-small/train/patient2/study1/view1.jpg,Female,1,Frontal,AP,,1.0,-1.0',
  'CheXpert-v1.0-small/train/patient3/study1/view1.jpg,Female,0,Lateral,,,-1.0,1.0',
  'CheXpert-v1.0-small/train/patient4/study1/view1.jpg,Male,31,Frontal,PA,,1.0,1.0',
  'CheXpert-v1.0-small/train/patient5/study1/view1.jpg,Male,44,Frontal,PA,,0.0,0.0',
  'CheXpert-v1.0-small/train/patient6/study1/view1.jpg,Male,44,Frontal,PA,,,',
].join('\n');

test('columns of 0 and 1 are findings: found, or named, with a policy for uncertain ones', () =>
  withFolder(async (folder) => {
    const images = [1, 2, 3, 4, 5, 6].map((i) => `train/patient${i}/study1/view1.jpg`);
    await write(folder, images);
    await write(folder, ['train.csv'], CHEXPERT);
    const classes = async (keys: object) => {
      const found = await survey(folder, { labels: { csv: 'train.csv', ...keys } });
      return Object.values(classesOf(found)).join(' ');
    };
    assert.equal(await classes({}), 'No Finding - - Edema|Pleural Effusion none -');
    assert.equal(
      await classes({ uncertain: 'positive' }),
      'No Finding Edema|Pleural Effusion Edema|Pleural Effusion Edema|Pleural Effusion none -',
    );
    assert.equal(await classes({ findings: 'first' }), 'No Finding Edema - Edema none -');
    const one = { findings: { one: 'Edema' } };
    assert.equal(await classes(one), 'not Edema Edema - Edema not Edema -');
    assert.equal(
      await classes({ ...one, uncertain: 'negative' }),
      'not Edema Edema not Edema Edema not Edema -',
    );
    const named = { ...one, label: ['Edema'] };
    assert.equal(await classes(named), 'not Edema Edema - Edema not Edema not Edema');
    const { labels } = await survey(folder, { labels: { csv: 'train.csv', ...named } });
    assert.match(labels.basis.why, /1 column of findings/);
    assert.match(labels.notices.join('\n'), /1 row has no label.*uncertain.*\n2 rows are blank/);
    const whole = await survey(folder, { labels: { csv: 'train.csv', label: 'Edema' } });
    assert.match(whole.notices.join(), /three classes now: with label: \["Edema"\]/);
    const keys = (parts: object) => survey(folder, { labels: { csv: 'train.csv', ...parts } });
    await refuses(keys({ findings: { one: 'Mass' } }), /no finding "Mass".*"Pleural Effusion"/);
    await refuses(keys({ label: ['Edema', 'Mass'] }), /no column "Mass".*"Frontal\/Lateral"/);
    await refuses(keys({ label: ['Edema', 'Age'] }), /than 0, 1, -1 and blank in row 2 of the column "Age"/);
  }));

test('a table with one class in 0 and 1 for each image names the class', () =>
  withFolder(async (folder) => {
    await write(folder, ['a.jpg', 'b.jpg', 'c.jpg']);
    const rows = ['image,MEL,NV,BCC', 'a,1.0,0.0,0.0', 'b,0.0,1.0,0.0', 'c,0.0,0.0,1.0'];
    await write(folder, ['truth.csv'], rows.join('\n'));
    assert.deepEqual(classesOf(await survey(folder, { labels: { csv: 'truth.csv' } })), {
      'a.jpg': 'MEL',
      'b.jpg': 'NV',
      'c.jpg': 'BCC',
    });
    // A single column of 0 and 1 may be anything.
    await write(folder, ['truth.csv'], 'image,smoker\na,1\nb,0\nc,0');
    await refuses(survey(folder, { labels: { csv: 'truth.csv' } }), /its columns: "image", "smoker"/);
  }));

test(
  'rows may name the folders of studies, if none is of a file',
  withFiles(MURA, async (folder) => {
    const study = (patient: number, name: string) =>
      `MURA-v1.1/train/XR_ELBOW/patient0000${patient}/study${name}/`;
    const rows = [1, 2, 3, 4].flatMap((patient) => [
      `${study(patient, '1_positive')},1`,
      `${study(patient, '2_negative')},0`,
    ]);
    await write(folder, ['studies.csv'], ['path,label', ...rows].join('\n'));
    const labels = { csv: 'studies.csv' };
    for (const [name, label] of Object.entries(classesOf(await survey(folder, { labels }))))
      assert.equal(label, name.includes('positive') ? '1' : '0');
    await writeFile(path.join(folder, 'studies.csv'), 'path,label\nstudy1_positive,1');
    await refuses(survey(folder, { labels }), /1 row matches more than one folder/);
  }),
);

const numbered = (...folders: string[]) => folders.flatMap((name) => [1, 2].map((i) => `${name}/${i}.png`));

test(
  'numbered parts of a set are no classes, and numbered subjects are refused',
  withFiles([], async (folder) => {
    await write(
      folder,
      numbered('nih/images_001/images', 'nih/images_002/images', 'folds/fold1', 'folds/fold2'),
    );
    await write(folder, numbered('brats/BraTS20_001', 'brats/BraTS20_002', 'brats/BraTS20_003'));
    await write(folder, numbered('grades/grade001', 'grades/grade002', 'grades/grade003'));
    for (const name of ['nih', 'folds']) {
      const { labels } = await survey(path.join(folder, name));
      assert.equal(labels.classes, null);
      assert.match(labels.basis.why, /numbered parts of one set/);
    }
    await refuses(survey(path.join(folder, 'brats')), /3 of 3 classes look like ids/);
    assert.equal((await survey(path.join(folder, 'grades'))).labels.classes?.length, 3);
  }),
);

test(
  'a folder of masks is no class, and masks within classes are noticed',
  withFiles([], async (folder) => {
    await write(folder, numbered('beside/images', 'beside/masks'));
    await write(folder, numbered('within/a/images', 'within/a/masks', 'within/b/images', 'within/b/masks'));
    await refuses(survey(path.join(folder, 'beside')), /folder of masks or annotations/);
    const { notices } = await survey(path.join(folder, 'within'));
    assert.match(notices.join(), /4 files are in folders of masks or annotations/);
  }),
);

test(
  'knee_train and knee_test are a split, but two kinds of test are classes',
  withFiles([], async (folder) => {
    await write(folder, numbered('split/knee_train/a', 'split/knee_train/b', 'split/knee_test/a'));
    await write(folder, numbered('kinds/stress_test', 'kinds/rest_test'));
    await refuses(survey(path.join(folder, 'split')), /knee_test, knee_train, which are a split/);
    const kept = await survey(path.join(folder, 'split'), { splits: 'keep' });
    assert.deepEqual(
      [kept.labels.classes, [...kept.sides]],
      [
        ['a', 'b'],
        [1, 1, 0, 0, 0, 0],
      ],
    );
    assert.deepEqual((await survey(path.join(folder, 'kinds'))).labels.classes, ['rest_test', 'stress_test']);
  }),
);

test(
  'classes that differ in case alone are noticed',
  withFiles(['Benign/1.png', 'benign/2.png', 'Malignant/3.png'], async (folder) => {
    const { labels } = await survey(folder);
    assert.equal(labels.classes?.length, 3);
    assert.match(labels.notices.join(), /1 class has the name of another in other letters/);
  }),
);

test(
  'the most telling column is that of the images, and files may have been converted',
  withFiles(['1.png', '2.png', '3.png'], async (folder) => {
    const table = async (text: string) => {
      await writeFile(path.join(folder, 'labels.csv'), text);
      const found = await survey(folder, { labels: { csv: 'labels.csv' } });
      return [Object.values(classesOf(found)).join(''), found.labels.basis.why];
    };
    assert.deepEqual(await table('index,filename,label\n1,3.dcm,c\n2,2.dcm,b\n3,1.dcm,a'), [
      'abc',
      'the column "label" of a CSV file gives the label of each image, images by the column "filename"',
    ]);
    assert.equal((await table('sep=;\r\nimage;label\r\n1;a\r\n2;b\r\n3;c'))[0], 'abc');
    await refuses(table('image,label\n1,"a\n2,"b\n3,c'), /a quote that is not closed, or text after/);
    await writeFile(path.join(folder, 'labels.csv'), 'image,label,label\n1,a,b');
    await refuses(
      survey(folder, { labels: { csv: 'labels.csv', label: 'label' } }),
      /several columns "label"/,
    );
  }),
);

test('a JSON file gives names or numbers as labels', () =>
  withFolder(async (folder) => {
    await write(folder, ['a.png', 'b.png', 'c.png']);
    await write(folder, ['labels.json'], '{"a.png": "sick", "b.png": "well"}');
    assert.deepEqual(classesOf(await survey(folder, { labels: { json: 'labels.json' } })), {
      'a.png': 'sick',
      'b.png': 'well',
      'c.png': '-',
    });
    await writeFile(path.join(folder, 'labels.json'), '{"labels": [["a.png", [0, 1]], ["b.png", [1, 0]]]}');
    const vectors = await survey(folder, { labels: { json: 'labels.json' } });
    assert.deepEqual(Object.values(classesOf(vectors)), ['1', '0', '-']);
    await writeFile(path.join(folder, 'labels.json'), '{"labels": [["a.png", [0.5, 1]]]}');
    await refuses(survey(folder, { labels: { json: 'labels.json' } }), /not a JSON file of labels/);
  }));

test('DICOM tags give labels, subsets and patients, and patients appear nowhere', () =>
  withFolder(async (folder) => {
    const file = (i: number, view: string) =>
      dicomFile(SYNTAXES.explicit, [
        { tag: 0x00100020, vr: 'LO', value: `doe${i % 4}` },
        { tag: 0x00180015, vr: 'CS', value: i % 3 ? 'ELBOW' : 'KNEE' },
        { tag: 0x00185101, vr: 'CS', value: view },
      ]);
    for (let i = 0; i < 12; i++) await write(folder, [`${i}.dcm`], file(i, i % 2 ? 'LATERAL' : 'AP'));
    const keys = {
      labels: { dicom: 'BodyPartExamined' },
      where: { ViewPosition: ['lateral', 'oblique'] },
      holdout: { by: 'patient' },
    };
    const found = await survey(folder, keys);
    assert.deepEqual(found.labels.classes, ['ELBOW', 'KNEE']);
    assert.deepEqual(found.leftOut, { 'images that preprocess.where leaves out': 6 });
    assert.equal(new Set(found.keys).size, 4);
    assert.ok(!JSON.stringify([found.notices, found.labels, found.leftOut]).includes('doe'));
    await refuses(survey(folder, { where: { Modality: 'MR' } }), /none of 12 images/);
    for (const dicom of ['PatientName', 'StudyInstanceUID'])
      await assert.rejects(survey(folder, { labels: { dicom } }), /must not tell patients or studies apart/);
    for (let i = 0; i < 12; i++) await write(folder, [`${i}.dcm`], dicomFile(SYNTAXES.explicit, []));
    await refuses(survey(folder, { holdout: { by: 'patient' } }), /cannot be told apart/);
  }));

test('damaged DICOM files and other images are counted where tags are needed', () =>
  withFolder(async (folder) => {
    const file = dicomFile(SYNTAXES.explicit, [
      // A header longer than what is usually read of a file.
      { tag: 0x00080016, vr: 'UI', value: '1.2' },
      { tag: 0x00091001, vr: 'OB', value: Buffer.alloc(200_000) },
      { tag: 0x00185101, vr: 'CS', value: 'LATERAL' },
    ]);
    for (let i = 0; i < 4; i++) await write(folder, [`${i}.dcm`], file);
    await write(folder, ['damaged.dcm'], file.subarray(0, 100_000));
    await write(folder, ['image.png']);
    const found = await survey(folder, { where: { ViewPosition: 'LATERAL' } });
    assert.equal(found.labels.labels.filter((label) => label === 0).length, 4);
    assert.match(found.notices.join(), /1 DICOM file is damaged .*1 image is no DICOM file/);
    assert.ok(!found.notices.join().includes('.dcm'));
  }));

test('a table of labels without patients leaves the patients to DICOM', () =>
  withFolder(async (folder) => {
    for (let i = 0; i < 8; i++) {
      const patient = { tag: 0x00100020, vr: 'LO', value: `p${i >> 1}` };
      await write(folder, [`${i}.dcm`], dicomFile(SYNTAXES.explicit, [patient]));
    }
    const rows = Array.from({ length: 8 }, (_, i) => `${i}.dcm,${i % 2}`);
    await writeFile(path.join(folder, 'labels.csv'), `file,label\n${rows.join('\n')}\n`);
    const found = await survey(folder, { labels: { csv: 'labels.csv' }, holdout: { by: 'patient' } });
    assert.equal(new Set(found.keys).size, 4);
  }));

test(
  'an empty class keeps its label; a folder of documents is no class',
  withFiles(['0/a.png', '1/a.png', '2/a.png', '3/a.pgm', '4/a.png', '5/', 'docs/a.pdf'], async (folder) => {
    const { labels } = await survey(folder);
    assert.deepEqual(labels.classes, ['0', '1', '2', '3', '4', '5']);
    assert.deepEqual([...labels.labels], [0, 1, 2, 4]);
  }),
);

test('names of classes are the same in NFC and NFD', () =>
  withFolder(async (folder) => {
    const both = ['NFC', 'NFD'].map((form) => `${'Caf\u00e9'.normalize(form)}/${form}.png`);
    const file = path.join(folder, 'cafe.zip');
    const names = [...both, 'tea/1.png'];
    await storedZip(
      file,
      names.map((name) => ({ name, bytes: Buffer.from('x') })),
    );
    assert.deepEqual((await survey(file)).labels.classes, ['Caf\u00e9', 'tea']);
  }));
