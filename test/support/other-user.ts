/** Runs commands as another user, for tests of permissions: root may read and write any file. */
import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = 'dist/src/cli/main.js';
/** Packages that commands on files do not load, and that are most of the size of `node_modules`. */
const UNUSED = ['@biomejs', '@swc', '@temporalio', '@tensorflow', '@types', 'typescript', 'webpack'];

/** Whom a command runs as, and the entry point that this user can read. */
export interface OtherUser {
  uid: number | undefined;
  main: string;
  /** Removes what was made for this user. */
  remove(): void;
}

/**
 * Nobody if the tests run as root, else the user who runs them. A checkout under a folder that
 * others cannot enter is copied to where they can: without the packages that only trainings and
 * workflows need.
 */
export function otherUser(): OtherUser {
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  if (uid === undefined || othersMayEnter(ROOT)) {
    return { uid, main: path.join(ROOT, MAIN), remove: () => undefined };
  }
  const copy = mkdtempSync(path.join(tmpdir(), 'gist-readable-'));
  const isUsed = (file: string) =>
    !UNUSED.some((name) => file.startsWith(path.join(ROOT, 'node_modules', name)));
  for (const part of ['package.json', 'dist', 'node_modules'])
    cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true, filter: isUsed });
  chmodSync(copy, 0o755);
  return { uid, main: path.join(copy, MAIN), remove: () => rmSync(copy, { recursive: true, force: true }) };
}

function othersMayEnter(folder: string): boolean {
  const mayEnter = (statSync(folder).mode & 0o001) !== 0;
  const parent = path.dirname(folder);
  return mayEnter && (parent === folder || othersMayEnter(parent));
}
