/**
 * Native parts for this machine, and their folders in the cache. `src/core/parts.ts` reads the same
 * list.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './say.mjs';

/**
 * The cache that the parts of this checkout are in, for users and homes without one; also read by
 * `src/core/environment.ts`. In node_modules, so that removing the packages also removes it.
 */
const RECORD = fileURLToPath(new URL('../../node_modules/.gist-cache', import.meta.url));

export function cacheFolder() {
  return (
    process.env.GIST_CACHE_DIR ||
    recordedCache() ||
    path.join(process.env.XDG_CACHE_HOME || path.join(userHome(), '.cache'), 'gist')
  );
}

/** Records the cache folder, unless the checkout is another user's. */
export function recordCache() {
  if (recordedCache() === cacheFolder()) return;
  try {
    writeFileSync(RECORD, cacheFolder());
  } catch {
    // The variable, or the next set-up of its owner, says it.
  }
}

/** undefined when there is none, or none that this user can read. */
function recordedCache() {
  try {
    const folder = readFileSync(RECORD, 'utf8');
    return existsSync(path.join(folder, 'wheels')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** A user without an entry in the list of users has no home. */
function userHome() {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

/** Operating system, architecture and, if requested, CUDA: `linux-x64`, `linux-x64-cuda`. */
export function platformName() {
  return `${process.platform}-${process.arch}${wantsCuda() ? '-cuda' : ''}`;
}

export function wantsCuda() {
  return process.env.GIST_TENSORFLOW === 'cuda';
}

/** Parts by name for this platform. */
export function partsOf(root) {
  const list = JSON.parse(readFileSync(path.join(root, 'requirements', 'parts.json'), 'utf8'));
  return Object.fromEntries(
    Object.entries(list).map(([name, { on, ...part }]) => [name, { ...part, ...on?.[platformName()] }]),
  );
}

/** Path of the file with the hashes of the wheels for this platform. */
export function requirementsFile(root) {
  return path.join(root, 'requirements', `wheels-${platformName()}.txt`);
}

/** @throws SetupError on a platform without wheels */
export function checkPlatform(root) {
  const chosen = process.env.GIST_TENSORFLOW || 'cpu';
  if (!['cpu', 'cuda'].includes(chosen))
    throw new SetupError(`GIST_TENSORFLOW is ${chosen}; it must be cpu or cuda.`);
  if (existsSync(requirementsFile(root))) return;
  throw new SetupError(
    `there are no native parts for ${platformName()}. GIST runs on linux-x64, linux-x64-cuda, linux-arm64 and darwin-arm64.`,
  );
}

/** Folder of a part. Its name contains the version, so other versions have other folders. */
export function folderOf(part) {
  return path.join(cacheFolder(), 'wheels', part.folder);
}

/** Whether a part is complete: its stamp and its main file exist. */
export function partIsThere(part) {
  return (
    existsSync(path.join(folderOf(part), '.complete')) && existsSync(path.join(folderOf(part), part.path))
  );
}

export function missingParts(root) {
  return Object.values(partsOf(root)).filter((part) => !partIsThere(part));
}
