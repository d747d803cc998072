/**
 * Native parts for this machine, and their folders in the cache. `src/core/parts.ts` reads the same
 * list.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { SetupError } from './say.mjs';

export function cacheFolder() {
  return (
    process.env.GIST_CACHE_DIR ||
    path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'gist')
  );
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
