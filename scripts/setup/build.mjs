/** Compiles the JavaScript when a source has changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './run.mjs';
import { note, SetupError, say } from './say.mjs';

const FOLDERS = ['src', 'examples', 'test', 'bench'];
const FILES = ['tsconfig.json', 'package-lock.json'];

export function buildIsFresh(root) {
  const stamp = stampFile(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest(root);
}

export async function build(root) {
  if (buildIsFresh(root)) return note('the code is compiled');
  say('compiling the code (tsc)');
  // Computed before compiling: a source that changes meanwhile makes the build stale again.
  const sources = digest(root);
  rmSync(stampFile(root), { force: true });
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const status = await run(process.execPath, [compiler, '-p', root], { cwd: root });
  if (status !== 0) throw new SetupError('the code does not compile; the errors are above.');
  mkdirSync(path.dirname(stampFile(root)), { recursive: true });
  writeFileSync(stampFile(root), sources);
}

function stampFile(root) {
  return path.join(root, 'dist', '.gist-built');
}

/**
 * Digest of the file contents, since copies and container images do not keep modification times.
 */
function digest(root) {
  const hash = createHash('sha256');
  const sources = FOLDERS.flatMap((folder) => typescript(path.join(root, folder))).sort();
  for (const file of [...FILES.map((name) => path.join(root, name)), ...sources]) {
    hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function typescript(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    return entry.isDirectory() ? typescript(place) : entry.name.endsWith('.ts') ? [place] : [];
  });
}
