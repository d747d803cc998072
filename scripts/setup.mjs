/** Set-up: everything that a fresh clone lacks, each step skipped when done. Needs Node alone; may be killed and run again. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingIsThere, compileBinding } from './setup/binding.mjs';
import { build, buildIsFresh } from './setup/build.mjs';
import { withLock } from './setup/lock.mjs';
import { installPackages, packagesAreThere } from './setup/packages.mjs';
import { cacheFolder, checkPlatform, missingParts } from './setup/parts.mjs';
import { checkPrerequisites } from './setup/prerequisites.mjs';
import { checkRoom } from './setup/room.mjs';
import { beQuiet, note, SetupError, say } from './setup/say.mjs';
import { installWheels } from './setup/wheels.mjs';

const ROOT = path.resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Checks first, downloads then. @throws SetupError that says how to fix it */
export async function setUp(root = ROOT) {
  const installed = () => packagesAreThere(root) && missingParts(root).length === 0 && bindingIsThere(root);
  checkPlatform(root);
  if (installed() && buildIsFresh(root)) return note('everything is there');
  const started = Date.now();
  if (!installed()) checkPrerequisites();
  await withLock(path.join(cacheFolder(), 'setup.lock'), async () => {
    if (!installed()) checkRoom(root);
    await installPackages(root);
    await installWheels(root);
    await compileBinding(root);
    await build(root);
  });
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs set-up and ends the process with a message, not a stack, when something is missing. */
export async function setUpOrExit({ quiet = false } = {}) {
  beQuiet(quiet);
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
