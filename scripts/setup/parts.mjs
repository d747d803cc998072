/** Which parts this machine needs, and where the cache keeps them; `src/core/parts.ts` reads the same list. */
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

/** System, processor and, where asked for, CUDA: `linux-x64`, `linux-x64-cuda`. */
export function platformName() {
  return `${process.platform}-${process.arch}${wantsCuda() ? '-cuda' : ''}`;
}

export function wantsCuda() {
  return process.env.GIST_TENSORFLOW === 'cuda';
}

/** Parts by name, as they are on this platform. */
export function partsOf(root) {
  const list = JSON.parse(readFileSync(path.join(root, 'requirements', 'parts.json'), 'utf8'));
  return Object.fromEntries(
    Object.entries(list).map(([name, { on, ...part }]) => [name, { ...part, ...on?.[platformName()] }]),
  );
}

/** The hashes that wheels of this platform must have. */
export function requirementsFile(root) {
  return path.join(root, 'requirements', `wheels-${platformName()}.txt`);
}

/** @throws SetupError on a platform without wheels */
export function checkPlatform(root) {
  const chosen = process.env.GIST_TENSORFLOW || 'cpu';
  if (!['cpu', 'cuda'].includes(chosen))
    throw new SetupError(`GIST_TENSORFLOW is ${chosen}; it can be cpu or cuda.`);
  if (existsSync(requirementsFile(root))) return;
  throw new SetupError(
    `there are no native parts for ${platformName()}. GIST runs on linux-x64, linux-x64-cuda, linux-arm64 and darwin-arm64.`,
  );
}

/** The name holds the version, so another version, or other members of it, want another folder. */
export function folderOf(part) {
  return path.join(cacheFolder(), 'wheels', part.folder);
}

/** A part is there once its stamp is, since its folder appears whole; and while nobody has removed what is used of it. */
export function partIsThere(part) {
  return (
    existsSync(path.join(folderOf(part), '.complete')) && existsSync(path.join(folderOf(part), part.path))
  );
}

export function missingParts(root) {
  return Object.values(partsOf(root)).filter((part) => !partIsThere(part));
}
