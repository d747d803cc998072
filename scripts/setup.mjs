/**
 * Set-up of a fresh clone. It skips completed steps, requires only Node.js, and may be killed and
 * run again.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingIsThere, compileBinding } from './setup/binding.mjs';
import { build, buildIsFresh } from './setup/build.mjs';
import { withLock } from './setup/lock.mjs';
import { installPackages, packagesAreThere } from './setup/packages.mjs';
import { cacheFolder, checkPlatform, missingParts, recordCache } from './setup/parts.mjs';
import { checkPrerequisites } from './setup/prerequisites.mjs';
import { checkRoom } from './setup/room.mjs';
import { setQuiet, note, SetupError, say } from './setup/say.mjs';
import { installWheels } from './setup/wheels.mjs';
import { checkWritable } from './setup/writable.mjs';

const ROOT = path.resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Checks the requirements before any download. @throws SetupError with a hint */
export async function setUp(root = ROOT) {
  const installed = () => packagesAreThere(root) && missingParts(root).length === 0 && bindingIsThere(root);
  checkPlatform(root);
  if (installed() && buildIsFresh(root)) {
    recordCache();
    return note('everything is there');
  }
  checkWritable(root, cacheFolder());
  const started = Date.now();
  if (!installed()) checkPrerequisites();
  await withLock(path.join(cacheFolder(), 'setup.lock'), async () => {
    if (!installed()) checkRoom(root);
    await installPackages(root);
    await installWheels(root);
    await compileBinding(root);
    await build(root);
    recordCache();
  });
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs set-up. On a SetupError, ends the process with its message and without a stack. */
export async function setUpOrExit({ quiet = false } = {}) {
  setQuiet(quiet);
  try {
    await setUp();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(7);
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await setUpOrExit({ quiet: process.argv.includes('--quiet') });
