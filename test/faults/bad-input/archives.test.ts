/** Malicious and corrupt archives are rejected as a whole, and nothing is written. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { GistUser } from '../../support/gist.js';
import { deflatedZip, grayPng, patchDirectory, storedZip } from '../../support/images.js';
import { assertRefused, PATIENT } from '../../support/refusals.js';

let user: GistUser;
let png: Buffer;

before(async () => {
  user = await GistUser.create();
  png = await grayPng(7);
});

after(() => user.leave());

const named = (name: string) => ({ name, bytes: png });
/** A name that must not appear in errors. */
const ONE = `a/${PATIENT}.png`;

/**
 * Each entry: the case, how the archive is made, and the expected message. The error is an
 * ArchiveError by default.
 */
const ARCHIVES: [string, (file: string) => Promise<unknown>, RegExp, string?][] = [
  [
    'a path that climbs out',
    (file) => storedZip(file, [named(`../../${PATIENT}.png`)]),
    /path leaves the folder/,
  ],
  ['an absolute path', (file) => storedZip(file, [named(`/etc/${PATIENT}.png`)]), /path leaves the folder/],
  [
    'a bomb',
    async (file) => {
      await deflatedZip(file, [named(ONE)]);
      await patchDirectory(file, 0, (record) => record.writeUInt32LE(2 ** 31, 24));
    },
    /but 1 file in the archive of more than 512 MiB/,
    'DatasetError',
  ],
  [
    'an encrypted image',
    async (file) => {
      await deflatedZip(file, [named(ONE)]);
      await patchDirectory(file, 0, (record) => record.writeUInt16LE(0x0801, 8));
    },
    /but 1 encrypted file in the archive/,
    'DatasetError',
  ],
  [
    'a link',
    async (file) => {
      await storedZip(file, [named(ONE)]);
      await patchDirectory(file, 0, (record) => record.writeUInt32LE((0o120777 << 16) >>> 0, 38));
    },
    /but 1 link in the archive/,
    'DatasetError',
  ],
  [
    'an unknown compression',
    async (file) => {
      await deflatedZip(file, [named(ONE)]);
      await patchDirectory(file, 0, (record) => record.writeUInt16LE(14, 10));
    },
    /but 1 file in the archive in a compression that is not read/,
    'DatasetError',
  ],
  [
    'images that share their bytes',
    async (file) => {
      await storedZip(file, [named(ONE), named('a/2.png')]);
      await patchDirectory(file, 1, (record) => record.writeUInt32LE(0, 42));
    },
    /overlapping files/,
  ],
  [
    'the same name twice',
    async (file) => storedZip(file, [named(ONE), { name: ONE, bytes: await grayPng(8) }]),
    /but 2 files in the archive with the name of another/,
    'DatasetError',
  ],
  [
    'an end that is missing',
    async (file) => {
      await storedZip(file, [named(ONE), named('a/2.png')]);
      const bytes = await readFile(file);
      await writeFile(file, bytes.subarray(0, bytes.length >> 1));
    },
    /is not a \.zip archive, or is truncated/,
  ],
  ['a text', (file) => writeFile(file, `${PATIENT} is not to be named`), /is not a \.zip archive/],
  [
    'nothing in it but texts',
    (file) => storedZip(file, [named(`${PATIENT}.txt`)]),
    /contains no images that can be read, but 1 other file/,
    'DatasetError',
  ],
  ['a folder in its place', (file) => mkdir(file), /is not a file/, 'DatasetError'],
  ['no file in its place', async () => undefined, /does not exist/, 'SourceMissingError'],
];

for (const [i, [what, make, says, type = 'ArchiveError']] of ARCHIVES.entries()) {
  test(`rejects an archive with ${what}`, async () => {
    const file = `archive${i}.zip`;
    await make(path.join(user.folder, file));
    const outcome = await user.gist('dataset', 'build', file, '--out', 'out', '--json');
    assertRefused(outcome, { type, code: 3, says });
    assert.equal(existsSync(path.join(user.folder, 'out')), false);
  });
}

test('an image that unpacks to more than its declared size fails the run before a data set exists', async () => {
  const file = path.join(user.folder, 'liar.zip');
  await deflatedZip(file, [named('a/1.png'), { name: ONE, bytes: Buffer.alloc(30 * 2 ** 20) }]);
  await patchDirectory(file, 1, (record) => record.writeUInt32LE(1000, 24));
  const outcome = await user.gist('dataset', 'build', 'liar.zip', '--out', 'liars', '--json');
  assertRefused(outcome, {
    type: 'ArchiveError',
    code: 3,
    says: /unpacks to more than its declared 1000 bytes/,
  });
  // Copies are looked for before anything is written.
  assert.equal(existsSync(path.join(user.folder, 'liars')), false);
});
