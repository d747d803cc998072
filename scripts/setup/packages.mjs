/** Installs the npm packages of package-lock.json, without their install scripts. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { npmCommand } from './prerequisites.mjs';
import { run } from './run.mjs';
import { note, SetupError, say } from './say.mjs';

export function packagesAreThere(root) {
  const stamp = stampFile(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockDigest(root);
}

export async function installPackages(root) {
  if (packagesAreThere(root)) return note('npm packages are there');
  say('installing npm packages (npm ci)');
  const digest = lockDigest(root);
  // Removed first: an interrupted installation must not leave a stamp that matches an earlier lock
  // file.
  rmSync(stampFile(root), { force: true });
  const status = await run(
    npmCommand(),
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'],
    { cwd: root },
  );
  if (status !== 0)
    throw new SetupError(
      '`npm ci` failed; its output is above. Check the network and the disk, and run again.',
    );
  writeFileSync(stampFile(root), digest);
}

/** In node_modules, so that removing the packages also removes the stamp. */
function stampFile(root) {
  return path.join(root, 'node_modules', '.gist-packages');
}

function lockDigest(root) {
  return createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
}
