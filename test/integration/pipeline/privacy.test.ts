/** Names in every tag and path of a source, and everything that a real run of preprocess writes. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { dicomFile, imageElements, nativePixels, SYNTAXES, type TestElement } from '../../support/dicom.js';
import { GistUser } from '../../support/gist.js';
import { deflatedZip } from '../../support/images.js';
import { Rig } from '../../support/rig.js';

const NAME = 'ZQPLANTEDQZ';
const UID = '1.2.826.0.1.9876598765';
const SIDE = 24;

let rig: Rig;
before(async () => {
  rig = await Rig.start();
});
after(() => rig.stop());

/** Elements of every text representation, and identifiers. */
function planted(patient: number): TestElement[] {
  const text = ['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'];
  const elements = text.flatMap((vr, i): TestElement[] => [
    { tag: 0x00080080 + i, vr, value: NAME },
    { tag: 0x00104000 + i, vr, value: `${NAME}^${vr}` },
    { tag: 0x00291000 + i, vr, value: NAME },
  ]);
  const uids = [0x00080018, 0x0020000d, 0x0020000e].map(
    (tag): TestElement => ({ tag, vr: 'UI', value: UID }),
  );
  return [
    { tag: 0x00100010, vr: 'PN', value: `${NAME}^JANE` },
    { tag: 0x00100020, vr: 'LO', value: `${NAME}${patient}` },
    ...elements,
    ...uids,
  ];
}

async function filesOf(index: number): Promise<[string, Buffer][]> {
  const patient = index >> 1;
  const folder = `${index % 2 ? 'lateral' : 'frontal'}/${NAME}^DOE_${patient}`;
  const values = Array.from({ length: SIDE * SIDE }, (_, i) => (i * (index + 3)) % 4096);
  const elements = [...planted(patient), ...imageElements({ width: SIDE, height: SIDE }).slice(1)];
  const dicom = dicomFile(SYNTAXES.explicit, [...elements, nativePixels(values)]);
  const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
  const jpeg = await sharp(Buffer.alloc(SIDE * SIDE, 9 * index), { raw })
    .withExif({ IFD0: { ImageDescription: NAME, Artist: NAME } })
    .jpeg()
    .toBuffer();
  return [
    [`${folder}/${NAME}_${index}.dcm`, dicom],
    [`${folder}/${NAME}_${index}.jpg`, jpeg],
  ];
}

/** A folder and an archive with images of eight patients, and one that is damaged. */
async function writeSources(): Promise<{ folder: string; archive: string }> {
  const folder = path.join(rig.folder, 'source');
  const files = (await Promise.all(Array.from({ length: 16 }, (_, i) => filesOf(i)))).flat();
  files.push([`lateral/${NAME}/${NAME}.png`, Buffer.from(`no image of ${NAME}`)]);
  for (const [name, bytes] of files) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  const archive = path.join(rig.folder, 'source.zip');
  await deflatedZip(
    archive,
    files.map(([name, bytes]) => ({ name, bytes })),
  );
  return { folder, archive };
}

/** Every file below a folder, and what packed ones hold. */
function* writtenIn(folder: string): Generator<[string, Buffer]> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    yield [file, bytes];
    if (file.endsWith('.gz')) yield [file, gunzipSync(bytes)];
  }
}

function includes(bytes: Buffer, text: string): boolean {
  return (['latin1', 'utf16le'] as const).some((encoding) => bytes.indexOf(text, 0, encoding) >= 0);
}

test('no name or identifier of a source is in the store, the history, the database or the log', async () => {
  const { folder, archive } = await writeSources();
  const run = async (id: string, preprocess: PipelineInput['preprocess']) => {
    await rig.startRun(id, { name: id, stages: ['preprocess'], preprocess });
    return rig.result(id);
  };
  const settings = { resolution: 16, shardImages: 8 } as const;
  const byPatient = { by: 'patient', fraction: 0.4 } as const;
  const { stages } = await run('by-patient', { ...settings, source: folder, holdout: byPatient });
  assert.equal(stages.preprocess?.dataset.rejected, 1);
  assert.deepEqual(stages.preprocess?.dataset.classes, ['frontal', 'lateral']);
  await run('archive', { ...settings, source: archive, duplicates: 'exact' });
  await assert.rejects(run('failed', { ...settings, source: folder, maxRejected: 0 }));
  await assert.rejects(
    run('unclear', { ...settings, source: folder, labels: { path: '[^/]+/(?<label>[^/]+)' } }),
  );

  // A search that would find nothing proves nothing: each place holds what it must hold.
  const places = {
    store: { folder: rig.s3.folder, holds: 'hidden by privacy.names' },
    temporal: { folder: rig.temporal.folder, holds: 'shardImages' },
    home: { folder: rig.folder, holds: 'by-patient' },
  };
  for (const [place, { folder: where, holds }] of Object.entries(places)) {
    let hasContent = false;
    for (const [file, bytes] of writtenIn(where)) {
      if (file.startsWith(path.join(rig.folder, 'source'))) continue;
      hasContent ||= includes(bytes, holds);
      for (const secret of [NAME, UID])
        assert.ok(!includes(bytes, secret), `${place}: ${path.basename(file)}`);
    }
    assert.ok(hasContent, `${place} has no "${holds}"`);
  }
  const history = await rig.client.workflow.getHandle('failed').fetchHistory();
  assert.ok(!JSON.stringify(history).includes(NAME));
  // The files of the S3 server may be packed: its keys and objects are read by name, too.
  let objects = 0;
  for await (const { key } of rig.store.list('')) {
    const bytes = Buffer.from(await rig.store.get(key));
    const unpacked = key.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    for (const secret of [NAME, UID])
      assert.ok(!key.includes(secret) && !includes(bytes, secret) && !includes(unpacked, secret), key);
    objects++;
  }
  assert.ok(objects > 20);
  await assertCleanCommands(folder);
});

/** What commands print and write about the same images, also where they fail. */
async function assertCleanCommands(source: string): Promise<void> {
  const user = await GistUser.create(rig.env);
  const table = path.join(user.folder, 'labels.csv');
  const row = (label: string) => `${NAME}_0.dcm,${label},${NAME}`;
  writeFileSync(table, ['file,label,patient', row('a'), row('b')].join('\n'));
  const headless = path.join(user.folder, 'headless.csv');
  writeFileSync(headless, `${NAME}^DOE_0,${NAME}_0.dcm,1964-01-31\n`);
  const small = ['--resolution', '16'];
  const commands: [string[], number][] = [
    [['status', 'failed', '--json'], 0],
    [['dataset', 'build', source, '--out', 'failed', '--max-rejected', '0', ...small, '--json'], 3],
    [['dataset', 'build', source, '--out', 'built', ...small], 0],
    [['dataset', 'build', source, '--out', 'no', '--labels', `csv: ${table}`, '--json'], 3],
    [['dataset', 'build', source, '--out', 'no', '--labels', `csv: ${headless}`], 3],
    [['dataset', 'inspect', source, '--holdout-by', 'patient', '--html', 'page.html', '--json'], 0],
    [['dataset', 'list', rig.store.uri], 0],
  ];
  try {
    for (const [args, expected] of commands) {
      const { code, stdout, stderr } = await user.gist(...args);
      assert.equal(code, expected, stderr);
      for (const secret of [NAME, UID]) assert.ok(!`${stdout}${stderr}`.includes(secret), args.join(' '));
    }
    const written = [...writtenIn(user.folder)].filter(([file]) => !file.endsWith('.csv'));
    assert.ok(written.length > 5);
    for (const [file, bytes] of written)
      for (const secret of [NAME, UID]) assert.ok(!includes(bytes, secret), path.basename(file));
  } finally {
    await user.leave();
  }
}
