/** Folders and archives as sources of images, valid and malicious. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, readFile, rename, rmdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import {
  ArchiveError,
  DatasetError,
  type GistError,
  ImageError,
  SourceMissingError,
  StoreUnavailableError,
} from '../../../src/core/errors.js';
import { openRandomAccess } from '../../../src/imaging/source/random-access.js';
import { openSource } from '../../../src/imaging/source/source.js';
import { skippedNotices } from '../../../src/imaging/source/source-contents.js';
import type { SourceImage } from '../../../src/imaging/source/image-source.js';
import { readZipDirectory } from '../../../src/imaging/source/zip-directory.js';
import {
  deflatedZip,
  grayPng,
  patchDirectory,
  storedZip,
  withFolder,
  writeClasses,
} from '../../support/images.js';

async function listed(uri: string): Promise<SourceImage[]> {
  const images: SourceImage[] = [];
  for (const image of await openSource(uri).list()) images.push(image);
  return images;
}
const names = async (uri: string) => (await listed(uri)).map(({ name }) => name);

test('a folder is listed in order; other files are ignored and counted', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { b: 2, a: 1 });
    for (const other of ['a/notes.txt', '.DS_Store', 'b/Thumbs.db', 'a/scan.xyz', 'b/._image00.png'])
      await writeFile(path.join(folder, other), 'x');
    await mkdir(path.join(folder, '__MACOSX'));
    await writeFile(path.join(folder, '__MACOSX', 'image.png'), 'x');
    const source = openSource(folder);
    const found: string[] = [];
    for (const { name } of await source.list()) found.push(name);
    assert.deepEqual(found, ['a/image00.png', 'b/image00.png', 'b/image01.png']);
    assert.equal(source.contents.ignored, 6);
    assert.deepEqual(
      Buffer.from(await source.read('a/image00.png')),
      await readFile(path.join(folder, 'a/image00.png')),
    );
  }));

test('a copy of a folder has the same identities, a changed image has a different one', () =>
  withFolder(async (folder) => {
    await writeClasses(path.join(folder, 'one'), { a: 3 });
    await cp(path.join(folder, 'one'), path.join(folder, 'two'), { recursive: true });
    assert.deepEqual(await listed(path.join(folder, 'two')), await listed(`file://${folder}/one`));
    await writeFile(path.join(folder, 'two/a/image00.png'), await grayPng(99));
    assert.notDeepEqual(await listed(path.join(folder, 'two')), await listed(path.join(folder, 'one')));
  }));

test('cyclic links end, links within the folder are followed, links that lead out are ignored', () =>
  withFolder(async (folder) => {
    const root = path.join(folder, 'root');
    await writeClasses(root, { a: 1 });
    await writeClasses(path.join(folder, 'outside'), { c: 1 });
    await symlink(root, path.join(root, 'a', 'circle'));
    await symlink(path.join(root, 'a'), path.join(root, 'b'));
    await symlink(path.join(folder, 'outside'), path.join(root, 'out'));
    await symlink('/nowhere', path.join(root, 'broken.png'));
    assert.deepEqual(await names(root), ['a/image00.png', 'b/image00.png']);
  }));

test('folders that are missing, empty or without images are rejected with a hint', () =>
  withFolder(async (folder) => {
    await mkdir(path.join(folder, 'empty'));
    await mkdir(path.join(folder, 'texts'));
    await writeFile(path.join(folder, 'texts', 'a.txt'), 'x');
    await writeFile(path.join(folder, 'file.png'), 'x');
    for (const name of ['missing', 'empty', 'texts', 'file.png', 'missing.zip']) {
      const Refusal = /missing|empty/.test(name) ? SourceMissingError : DatasetError;
      await assert.rejects(
        names(path.join(folder, name)),
        (e: GistError) => e instanceof Refusal && Boolean(e.hint),
        name,
      );
    }
    await assert.rejects(names(path.join(folder, 'empty')), /is an empty folder\. If it is a mount point/);
  }));

test('a folder that is gone when an image is read is missing on this machine: another may have it', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'mounted');
    const elsewhere = path.join(folder, 'elsewhere');
    await writeClasses(source, { a: 1, b: 1 });
    const opened = openSource(source);
    for (const _ of await opened.list());
    await rename(path.join(source, 'a'), path.join(folder, 'a'));
    await assert.rejects(opened.read('a/image00.png'), /lost a file/);
    await rename(source, elsewhere);
    await assert.rejects(opened.read('b/image00.png'), SourceMissingError);
    // What a mount point is without its disk.
    await mkdir(source);
    await assert.rejects(opened.read('b/image00.png'), SourceMissingError);
    await rename(elsewhere, source);
    assert.ok((await opened.read('b/image00.png')).byteLength > 0);
  }));

test('an archive that is gone, or on a share that fails, when bytes are read is not refused', () =>
  withFolder(async (folder) => {
    const [archive, elsewhere] = [path.join(folder, 'images.zip'), path.join(folder, 'elsewhere')];
    await storedZip(archive, [{ name: 'a.png', bytes: await grayPng(1) }]);
    const opened = await openRandomAccess(archive, archive);
    await rename(archive, elsewhere);
    await assert.rejects(opened.read(0, 4), SourceMissingError);
    // Reading a folder as a file fails as a share does: with a code of its own.
    await mkdir(archive);
    await assert.rejects(opened.read(0, 4), StoreUnavailableError);
    await rmdir(archive);
    await rename(elsewhere, archive);
    assert.equal((await opened.read(0, 4)).toString('latin1'), 'PK\x03\x04');
  }));

test(
  'a folder within that may not be read is refused, not named: a name may be that of a patient',
  { skip: process.getuid?.() === 0 && 'root may read anything' },
  () =>
    withFolder(async (folder) => {
      await writeClasses(folder, { locked: 1, open: 1 });
      await chmod(path.join(folder, 'locked'), 0);
      await assert.rejects(
        names(folder),
        (e) =>
          e instanceof DatasetError &&
          /contains a file or folder that this user cannot read/.test(e.message) &&
          !/locked/.test(e.message),
      );
      await chmod(path.join(folder, 'locked'), 0o700);
    }),
);

test('an archive gives the same images as the folder it was made from, stored or deflated', () =>
  withFolder(async (folder) => {
    const files = [];
    for (const name of ['b/2.png', 'a/1.png', 'a/notes.txt'])
      files.push({ name, bytes: await grayPng(name.charCodeAt(0)) });
    for (const make of [storedZip, deflatedZip]) {
      const file = path.join(folder, `${make.name}.zip`);
      await make(file, files);
      assert.deepEqual(await names(file), ['a/1.png', 'b/2.png']);
      assert.deepEqual(Buffer.from(await openSource(file).read('b/2.png')), files[0]?.bytes);
    }
  }));

test('a file that is too large is rejected before it is read', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 1 });
    await assert.rejects(openSource(folder).read('a/image00.png', { maxBytes: 10 }), ImageError);
    await storedZip(path.join(folder, 'a.zip'), [{ name: 'a/1.png', bytes: await grayPng(1) }]);
    await assert.rejects(
      openSource(path.join(folder, 'a.zip')).read('a/1.png', { maxBytes: 10 }),
      ImageError,
    );
  }));

type Hostile = (file: string, png: Buffer) => Promise<void>;
const HOSTILE: Record<string, Hostile> = {
  'a path that climbs out': (file, png) => storedZip(file, [{ name: '../../evil.png', bytes: png }]),
  'a path that climbs out within': (file, png) => storedZip(file, [{ name: 'a/../../evil.png', bytes: png }]),
  'an absolute path': (file, png) => storedZip(file, [{ name: '/etc/evil.png', bytes: png }]),
  'a drive letter': (file, png) => storedZip(file, [{ name: 'C:/evil.png', bytes: png }]),
  'files that share their bytes': async (file, png) => {
    await storedZip(file, [
      { name: 'a/1.png', bytes: png },
      { name: 'a/2.png', bytes: png },
    ]);
    await patchDirectory(file, 1, (record) => record.writeUInt32LE(0, 42));
  },
  'an end that is missing': async (file, png) => {
    await storedZip(file, [{ name: 'a/1.png', bytes: png }]);
    await writeFile(file, (await readFile(file)).subarray(0, -30));
  },
  'a text': (file) => writeFile(file, 'this is no archive'),
  nothing: (file) => writeFile(file, ''),
};
for (const [what, make] of Object.entries(HOSTILE)) {
  test(`an archive with ${what} is rejected as a whole`, () =>
    withFolder(async (folder) => {
      const file = path.join(folder, 'malicious.zip');
      await make(file, await grayPng(1));
      await assert.rejects(
        names(file),
        (e) => e instanceof ArchiveError && e.causeClass === 'input' && Boolean(e.hint),
      );
    }));
}

/** Entries that cannot be read, beside one that can. */
const UNREADABLE: Record<string, { make: Hostile; says: RegExp }> = {
  'the same name twice': {
    make: (file, png) =>
      storedZip(file, [
        { name: 'a/1.png', bytes: png },
        { name: 'ok.png', bytes: png },
        { name: 'a/1.png', bytes: Buffer.concat([png, png]) },
      ]),
    says: /2 files in the archive with the name of another.*one file of each name/,
  },
  'a link': {
    make: async (file, png) => {
      await storedZip(file, [
        { name: 'a/1.png', bytes: png },
        { name: 'ok.png', bytes: png },
      ]);
      await patchDirectory(file, 0, (record) => record.writeUInt32LE((0o120777 << 16) >>> 0, 38));
    },
    says: /1 link in the archive/,
  },
  'an encrypted file': {
    make: async (file, png) => {
      await storedZip(file, [
        { name: 'a/1.png', bytes: png },
        { name: 'ok.png', bytes: png },
      ]);
      await patchDirectory(file, 0, (record) => record.writeUInt16LE(0x0801, 8));
    },
    says: /1 encrypted file in the archive.*password/,
  },
  'an unknown compression': {
    make: async (file, png) => {
      await deflatedZip(file, [
        { name: 'a/1.png', bytes: png },
        { name: 'ok.png', bytes: png },
      ]);
      await patchDirectory(file, 0, (record) => record.writeUInt16LE(14, 10));
    },
    says: /1 file in the archive in a compression/,
  },
  'a file larger than any image': {
    make: async (file, png) => {
      await deflatedZip(file, [
        { name: 'a/1.png', bytes: png },
        { name: 'ok.png', bytes: png },
      ]);
      await patchDirectory(file, 0, (record) => record.writeUInt32LE(2 ** 31, 24));
    },
    says: /1 file in the archive of more than 512 MiB/,
  },
};
for (const [what, { make, says }] of Object.entries(UNREADABLE)) {
  test(`an archive with ${what} loses that alone, with its reason and what to do`, () =>
    withFolder(async (folder) => {
      const file = path.join(folder, 'partly.zip');
      await make(file, await grayPng(1));
      const { images, skipped } = await contentsOf(file);
      assert.deepEqual(images, ['ok.png']);
      assert.match(skippedNotices(skipped).join(), says);
    }));
}

test('a file that an archive has twice is read once', () =>
  withFolder(async (folder) => {
    const bytes = await grayPng(1);
    const file = path.join(folder, 'copies.zip');
    await storedZip(
      file,
      [1, 2].map(() => ({ name: 'a/1.png', bytes })),
    );
    assert.deepEqual(await names(file), ['a/1.png']);
  }));

test('names in GBK are Chinese, and names in code page 437 stay as they are', () =>
  withFolder(async (folder) => {
    // Zhengchang, "normal", and Groesse.
    for (const [raw, name] of [
      [Buffer.from('d5fdb3a3', 'hex'), '\u6b63\u5e38'],
      [Buffer.from('477294e165', 'hex'), 'Gr\u00f6\u00dfe'],
    ] as const) {
      const written = 'x'.repeat(raw.length);
      const file = path.join(folder, `${name}.zip`);
      await storedZip(file, [{ name: `${written}/1.png`, bytes: await grayPng(1) }]);
      const bytes = await readFile(file);
      for (let at = bytes.indexOf(written); at >= 0; at = bytes.indexOf(written)) raw.copy(bytes, at);
      await writeFile(file, bytes);
      await patchDirectory(file, 0, (record) => record.writeUInt16LE(0, 8));
      assert.deepEqual(await names(file), [`${name}/1.png`]);
    }
  }));

test('a bomb is not unpacked: its first bytes are no image', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'bomb.zip');
    await deflatedZip(file, [
      { name: 'a/1.png', bytes: Buffer.alloc(100 * 2 ** 20) },
      { name: 'a/2.png', bytes: await grayPng(1) },
    ]);
    assert.deepEqual(await names(file), ['a/1.png', 'a/2.png']);
    await assert.rejects(openSource(file).read('a/1.png'), ImageError);
  }));

test('mostly empty masks, which pack as well as bombs do, are accepted', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'masks.zip');
    const tiff = await sharp(Buffer.alloc(3000 * 3000), { raw: { width: 3000, height: 3000, channels: 1 } })
      .tiff({ compression: 'none' })
      .toBuffer();
    await deflatedZip(
      file,
      Array.from({ length: 10 }, (_, i) => ({ name: `a/${i}.tif`, bytes: tiff })),
    );
    assert.equal((await names(file)).length, 10);
    assert.deepEqual(Buffer.from(await openSource(file).read('a/3.tif')), tiff);
  }));

test('an archive whose files unpack to more than the limit is rejected', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'large.zip');
    await deflatedZip(file, [{ name: 'a/1.png', bytes: Buffer.alloc(5000) }]);
    const limits = { entries: 10, fileBytes: 10_000, totalBytes: 4999 };
    await assert.rejects(
      readZipDirectory(await openRandomAccess(file, file), file, limits),
      (e) => e instanceof ArchiveError && /would unpack to 5000 bytes/.test(e.what),
    );
  }));

test('unpacking stops at the declared size of a file', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'liar.zip');
    await deflatedZip(file, [{ name: 'a/1.png', bytes: Buffer.alloc(30 * 2 ** 20) }]);
    await patchDirectory(file, 0, (record) => record.writeUInt32LE(1000, 24));
    assert.equal((await listed(file)).length, 1);
    await assert.rejects(openSource(file).read('a/1.png'), ArchiveError);
  }));

test('a corrupt file in an archive affects only that image', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'corrupt.zip');
    const [one, two] = [await grayPng(1), await grayPng(2)];
    await storedZip(file, [
      { name: 'a/1.png', bytes: one },
      { name: 'a/2.png', bytes: two },
    ]);
    const bytes = await readFile(file);
    bytes[60] = (bytes[60] as number) ^ 1;
    await writeFile(file, bytes);
    await assert.rejects(openSource(file).read('a/1.png'), ImageError);
    assert.deepEqual(Buffer.from(await openSource(file).read('a/2.png')), two);
  }));

/** What a source holds, by reason, once it is listed; the refusal when it holds no images. */
async function contentsOf(uri: string): Promise<{ images: string[]; skipped: Record<string, number> }> {
  const source = openSource(uri);
  const images: string[] = [];
  for (const { name } of await source.list()) images.push(name);
  return { images, skipped: source.contents.skipped };
}

/** The beginning of a DICOM file. */
const DICOM_FILE = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(200)]);

test('a PACS export is recognized by its content: images without extension, and a DICOMDIR', () =>
  withFolder(async (folder) => {
    const series = path.join(folder, 'DICOM', 'PA000001');
    await mkdir(series, { recursive: true });
    await writeFile(path.join(series, 'IM000001'), DICOM_FILE);
    await writeFile(path.join(series, '1.2.840.113619.2.1'), DICOM_FILE);
    await writeFile(path.join(series, 'VERSION'), 'no image');
    await writeFile(path.join(folder, 'DICOMDIR'), DICOM_FILE);
    const directory = Buffer.concat([DICOM_FILE, Buffer.from('1.2.840.10008.1.3.10\0')]);
    await writeFile(path.join(folder, 'INDEX'), directory);
    const { images, skipped } = await contentsOf(folder);
    assert.deepEqual(images, ['DICOM/PA000001/1.2.840.113619.2.1', 'DICOM/PA000001/IM000001']);
    assert.deepEqual(skipped, { 'other files': 1, 'DICOM directories (DICOMDIR)': 2 });

    const files = await Promise.all(
      [...images, 'DICOMDIR'].map(async (name) => ({ name, bytes: await readFile(path.join(folder, name)) })),
    );
    for (const make of [storedZip, deflatedZip]) {
      await make(path.join(folder, 'export.zip'), files);
      assert.deepEqual((await contentsOf(path.join(folder, 'export.zip'))).images, images);
    }
  }));

test('hidden and system folders are skipped and counted', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 1, '.ipynb_checkpoints': 2, '@eaDir': 1, '.thumbnails': 1 });
    const { images, skipped } = await contentsOf(folder);
    assert.deepEqual(images, ['a/image00.png']);
    assert.deepEqual(skipped, { 'hidden and system files and folders': 3 });
  }));

test('a source without images says what it holds instead', () =>
  withFolder(async (folder) => {
    await mkdir(path.join(folder, 'pgm'));
    await writeFile(path.join(folder, 'pgm', 'mdb001.pgm'), 'P5 1 1 255 x');
    await mkdir(path.join(folder, 'archives'));
    await storedZip(path.join(folder, 'archives', 'images.zip'), [
      { name: '1.png', bytes: await grayPng(1) },
    ]);
    await storedZip(path.join(folder, 'inner.zip'), [
      { name: 'images_001.zip', bytes: await readFile(path.join(folder, 'archives', 'images.zip')) },
    ]);
    await mkdir(path.join(folder, 'links'));
    await symlink(path.join(folder, 'pgm', 'mdb001.pgm'), path.join(folder, 'links', '0.png'));
    const cases: [string, RegExp][] = [
      ['pgm', /1 image in Netpbm.* Convert the images to PNG/],
      ['archives', /1 archive within the source\. Unpack/],
      ['inner.zip', /1 archive within the source\. Unpack/],
      ['links', /1 link that leaves the folder\. Copy the files/],
    ];
    for (const [name, message] of cases)
      await assert.rejects(
        names(path.join(folder, name)),
        (e) => e instanceof DatasetError && message.test(e.message),
        name,
      );
  }));

test('a name that is not UTF-8 is set aside alone, and counted', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 1 });
    const latin1 = Buffer.concat([
      Buffer.from(`${folder}/a/Gr`),
      Buffer.from([0xf6, 0xdf]),
      Buffer.from('e.png'),
    ]);
    await writeFile(latin1, await grayPng(1));
    const { images, skipped } = await contentsOf(folder);
    assert.deepEqual(images, ['a/image00.png']);
    assert.deepEqual(skipped, { 'names that are not UTF-8': 1 });

    const file = path.join(folder, 'names.zip');
    const files = ['a/1.png', 'a/2.png', 'Caf\u00e9/3.png'];
    await storedZip(file, await Promise.all(files.map(async (name) => ({ name, bytes: await grayPng(2) }))));
    await patchDirectory(file, 0, (record) => record.writeUInt8(0xf6, 46));
    // As macOS writes it: UTF-8, but the flag does not say so.
    await patchDirectory(file, 2, (record) => record.writeUInt16LE(0, 8));
    assert.deepEqual(await contentsOf(file), {
      images: ['Caf\u00e9/3.png', 'a/2.png'],
      skipped: { 'names that are not UTF-8': 1 },
    });
  }));
