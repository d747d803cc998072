/** `gist dataset`: an option for every key, what it prints, and the .zip of StyleGAN's tools. */
import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { KEY_OPTIONS, specOfOptions } from '../../../src/cli/dataset/spec-options.js';
import { SpecError } from '../../../src/core/errors.js';
import { type DatasetManifest, openDataset, openShard } from '../../../src/imaging/index.js';
import { preprocessSchema } from '../../../src/spec/preprocess.js';
import { openStore } from '../../../src/storage/index.js';
import { GistUser } from '../../support/gist.js';
import { writeClasses } from '../../support/images.js';

let user: GistUser;

before(async () => {
  user = await GistUser.create();
  await writeClasses(path.join(user.folder, 'knees'), { grade0: 12, grade1: 9, '.thumbnails': 1 });
  await mkdir(path.join(user.folder, 'knees', 'grade2'));
  await writeFile(path.join(user.folder, 'knees', 'readme.txt'), 'x');
});

after(() => user.leave());

test('every key of preprocess has an option, and an option sets its key', () => {
  const keys = new Set(KEY_OPTIONS.map(({ path: [key] }) => key));
  assert.deepEqual([...keys, 'source'].sort(), Object.keys(preprocessSchema.shape).sort());
  const spec = specOfOptions('knees', {
    square: 'pad',
    holdout: '0.3',
    holdoutBy: 'patient',
    holdoutPatient: '(?<patient>\\d+)',
    limit: '10',
    mirror: true,
    maxRejected: '0.5',
    labels: 'csv: labels.csv',
    where: '{"ViewPosition": "LATERAL"}',
  });
  assert.deepEqual(spec.holdout, { fraction: 0.3, seed: 0, by: 'patient', patient: '(?<patient>\\d+)' });
  assert.deepEqual([spec.square, spec.limit, spec.mirror, spec.maxRejected], ['pad', 10, true, 0.5]);
  assert.equal((spec.labels as { csv: string }).csv, 'labels.csv');
  assert.deepEqual(spec.where, { ViewPosition: 'LATERAL' });
});

test('a wrong value is refused with the option, the key and what is allowed', () => {
  assert.throws(
    () => specOfOptions('knees', { square: 'cropp', holdoutBy: 'hand' }),
    (e) =>
      e instanceof SpecError &&
      /--square \(preprocess\.square\): must be .*"crop" or "pad".*did you mean "crop"/.test(e.what) &&
      /--holdout-by \(preprocess\.holdout\.by\): must be "image" or "patient"/.test(e.what),
  );
});

test('options of DICOM and privacy set their keys, and their errors name them', () => {
  const window = '{"center": 40, "width": 400}';
  const spec = specOfOptions('knees', { dicomFrames: '2', dicomWindow: window, privacyBurnedIn: 'crop' });
  assert.deepEqual(spec.dicom, { frames: 2, window: { center: 40, width: 400 } });
  assert.equal(spec.privacy.burnedIn, 'crop');
  assert.throws(
    () => specOfOptions('knees', { dicomFrames: 'last' }),
    /--dicom-frames \(preprocess\.dicom\.frames\): /,
  );
  assert.throws(
    () => specOfOptions('knees', { dicomWindow: 'center: 40' }),
    /--dicom-window \(preprocess\.dicom\.window\.width\)/,
  );
});

test('build says what was found before it builds, and prints counts, label numbers and what is left out', async () => {
  const args = ['knees', '--out', 'out', '--resolution', '16', '--duplicates', 'exact'];
  const { code, stdout, stderr } = await user.gist('dataset', 'build', ...args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /labels +folders: each folder is a class/);
  assert.match(stdout, /\d+ training and \d+ holdout images, 0 rejected, 2 ignored/);
  assert.match(stdout, /0 {2}grade0 +\d+ training, \d+ holdout/);
  assert.match(stdout, /2 {2}grade2 +no images: the class is empty and keeps its label/);
  assert.match(stdout, /left out +1 hidden and system files and folders/);
  assert.match(stdout, /left out +1 other file\b/);
});

interface Built {
  store: string;
  dataset: { prefix: string };
}

test('a data set is exported as a .zip that StyleGAN reads, and imported with the same pixels and labels', async () => {
  const built = await user.json<Built>('dataset', 'build', 'knees', '--out', 'first', '--resolution', '16');
  const address = built.store + built.dataset.prefix;
  await user.json('dataset', 'export', address, 'knees.zip');
  const zip = await openShard(path.join(user.folder, 'knees.zip'));
  assert.equal(zip.names.at(-1), 'dataset.json');
  assert.equal(zip.names[0], '00000/img00000000.png');
  const { labels } = JSON.parse(Buffer.from(await zip.read('dataset.json')).toString()) as {
    labels: [string, number][];
  };
  assert.deepEqual(
    labels.map(([name]) => name),
    zip.names.slice(0, -1),
  );
  const { format, width, channels } = await sharp(await zip.read(zip.names[0] as string)).metadata();
  assert.deepEqual([format, width, channels], ['png', 16, 1]);

  const again = await user.json<Built>('dataset', 'import', 'knees.zip', '--out', 'second');
  const pixels = async ({ store, dataset }: Built) => {
    const opened = await openDataset(openStore(store), dataset.prefix);
    const images: string[] = [];
    for await (const image of opened.images('train'))
      images.push(`${image.label} ${Buffer.from(image.pixels).toString('hex')}`);
    return { classes: opened.manifest.classes, images: images.sort() };
  };
  assert.deepEqual(await pixels(again), await pixels(built));
});

test('inspect and list show data sets, and inspect what a source would give', async () => {
  await user.json('dataset', 'build', 'knees', '--out', 'shown', '--resolution', '16');
  const { datasets } = await user.json<{ datasets: { prefix: string }[] }>('dataset', 'list', 'shown');
  assert.equal(datasets.length, 1);
  const manifest = await user.json<DatasetManifest>('dataset', 'inspect', `shown/${datasets[0]?.prefix}`);
  assert.deepEqual(manifest.emptyClasses, ['grade2']);
  assert.deepEqual(await user.json('dataset', 'inspect', 'shown'), manifest);
  const source = await user.json<DatasetManifest & { files: { formats: object[] } }>(
    'dataset',
    'inspect',
    'knees',
  );
  assert.deepEqual(source.files.formats, [{ format: 'PNG gray', images: 21 }]);
  assert.deepEqual([source.images, source.classImages], [manifest.images, manifest.classImages]);
  for (const address of ['knees', 'shown']) {
    await user.json('dataset', 'inspect', address, '--html', 'page.html');
    const page = await readFile(path.join(user.folder, 'page.html'), 'utf8');
    assert.match(
      page,
      /<h2>grade0<\/h2>\n<div class="sheet"><img class="image" alt="Image 1 of \d+ of class grade0" src="data:image\/png;base64,/,
    );
    assert.doesNotMatch(page, /https?:|image\d\d\.png/);
  }
});

test('split writes the side of each image, and duplicates lists copies', async () => {
  await user.json('dataset', 'split', 'knees', '--holdout', '0.5', '--list', 'sides.csv');
  const lines = (await readFile(path.join(user.folder, 'sides.csv'), 'utf8')).trim().split('\n');
  assert.equal(lines.length, 22);
  assert.match(lines[1] ?? '', /^grade0\/image\d\d\.png,grade0,train$/);
  await writeClasses(path.join(user.folder, 'copies', 'a'), { x: 3 });
  await writeClasses(path.join(user.folder, 'copies', 'b'), { x: 1 });
  const { sets } = await user.json<{ sets: { files: string[] }[] }>('dataset', 'duplicates', 'copies');
  assert.deepEqual(
    sets.map(({ files }) => files),
    [['a/x/image00.png', 'b/x/image00.png']],
  );
});

/** 16-bit images with 12 bits of depth, whose class has one fault. */
async function writeDeep(folder: string): Promise<void> {
  await mkdir(folder);
  for (let i = 0; i < 8; i++) {
    const values = Uint16Array.from({ length: 20 * 24 }, (_, at) => (at * (i + 3)) % 4096);
    const raw = { width: 20, height: 24, channels: 1 as const };
    const png = await sharp(values, { raw }).toColourspace('grey16').png().toBuffer();
    await writeFile(path.join(folder, `${i}.png`), png);
  }
  const jpeg = await sharp({ create: { width: 20, height: 24, channels: 3, background: '#123456' } })
    .jpeg()
    .toBuffer();
  await writeFile(path.join(folder, '8.jpg'), jpeg.subarray(0, -2));
}

test('a window that is guessed is a warning, and accepted faults are counted, in text and JSON', async () => {
  await writeDeep(path.join(user.folder, 'deep'));
  const guess = /warning +values 0 to 4095 of 16-bit images become 0 to 255: 12 bits, .*--window/;
  const seen = await user.gist('dataset', 'inspect', 'deep');
  assert.match(seen.stdout, guess);
  const built = await user.gist('dataset', 'build', 'deep', '--out', 'deeper', '--resolution', '16');
  assert.match(built.stdout, guess);
  assert.match(built.stdout, /accepted +1 image: /);
  assert.match((await user.gist('dataset', 'inspect', 'deeper')).stdout, guess);
  const json = await user.json<{ found: DatasetManifest & { warnings: string[] } }>(
    'dataset',
    'build',
    'deep',
    '--out',
    'deeper',
    '--resolution',
    '16',
  );
  assert.equal(json.found.window?.isGuess, true);
  assert.match(json.found.warnings.join(), /4095/);
  assert.equal(Object.values(json.found.notes).length, 1);
});

test('a data set that fails says where its list of files is, and inspect shows the list', async () => {
  await mkdir(path.join(user.folder, 'bad'));
  for (let i = 0; i < 4; i++) await writeFile(path.join(user.folder, 'bad', `${i}.png`), `no image ${i}`);
  const { code, stderr } = await user.gist('dataset', 'build', 'bad', '--out', 'failed');
  assert.equal(code, 3);
  const address = /`gist dataset inspect (\S+) --source bad` names them.*--max-rejected/.exec(stderr)?.[1];
  assert.match(stderr, /datasets\/\w+\/rejected\.json/);
  interface Failed {
    rejected: { name: string }[];
  }
  for (const where of [address ?? '', 'failed']) {
    const { rejected } = await user.json<Failed>('dataset', 'inspect', where, '--source', 'bad');
    assert.deepEqual(rejected.map(({ name }) => name).sort(), ['0.png', '1.png', '2.png', '3.png']);
  }
  assert.match(
    (await user.gist('dataset', 'inspect', 'failed')).stdout,
    /file 1 \(hidden[\s\S]*Add --source/,
  );
  await mkdir(path.join(user.folder, 'worse'));
  for (let i = 0; i < 2; i++) await writeFile(path.join(user.folder, 'worse', `${i}.png`), `none ${i}`);
  assert.equal((await user.gist('dataset', 'build', 'worse', '--out', 'failed')).code, 3);
  const { failed } = await user.json<{ failed: Failed[] }>('dataset', 'inspect', 'failed');
  assert.deepEqual(failed.map(({ rejected }) => rejected.length).sort(), [2, 4]);
});

test('a page shows text that is drawn into images of a source, with a warning, to this user alone', async () => {
  const folder = path.join(user.folder, 'named');
  await mkdir(folder);
  const svg = (text: string) =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="240" fill="#303030"/><text x="12" y="30" font-size="20" fill="#fff" font-family="monospace">${text}</text></svg>`,
    );
  for (let i = 0; i < 4; i++)
    await writeFile(
      path.join(folder, `${i}.png`),
      await sharp(svg(i < 2 ? `DOE JANE ${i}` : ''))
        .png()
        .toBuffer(),
    );
  const page = path.join(user.folder, 'named.html');
  const { stdout } = await user.gist('dataset', 'inspect', 'named', '--html', page, '--duplicates', 'exact');
  assert.match(stdout, /text +2 of 4 images that were searched seem to have text/);
  const html = await readFile(page, 'utf8');
  assert.match(html, /do not pass this page on/);
  assert.equal(html.match(/class="text"/g)?.length, 2);
  assert.equal((await stat(page)).mode & 0o777, 0o600);
});
