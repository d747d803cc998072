/** The compiled JavaScript, made again when a source is newer. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { note, SetupTrouble, say } from './say.mjs';

const SOURCES = ['src', 'examples', 'test', 'bench', 'tsconfig.json', 'package-lock.json'];

export function buildIsFresh(root) {
  const stamp = stampFile(root);
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return SOURCES.every((source) => newest(path.join(root, source)) <= built);
}

export function build(root) {
  if (buildIsFresh(root)) return note('the code is compiled');
  say('compiling the code (tsc)');
  const started = Date.now();
  const { status } = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', root],
    { cwd: root, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) throw new SetupTrouble('the code does not compile; the errors are above.');
  writeFileSync(stampFile(root), '');
  // A source saved while the compiler ran is newer than what was compiled.
  utimesSync(stampFile(root), started / 1000, started / 1000);
}

function stampFile(root) {
  return path.join(root, 'dist', '.gist-built');
}

/** Latest change below a path; folders count, so that a removed file is noticed. */
function newest(place) {
  if (!existsSync(place)) return 0;
  const { mtimeMs } = statSync(place);
  if (!statSync(place).isDirectory()) return /\.(ts|json)$/.test(place) ? mtimeMs : 0;
  return readdirSync(place).reduce(
    (latest, name) => Math.max(latest, newest(path.join(place, name))),
    mtimeMs,
  );
}
