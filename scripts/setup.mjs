/** Set-up: everything that a fresh clone lacks, each step skipped when done. Needs Node alone; may be killed and run again. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingIsThere, compileBinding } from './setup/binding.mjs';
import { build, buildIsFresh } from './setup/build.mjs';
import { installPackages, packagesAreThere } from './setup/packages.mjs';
import { checkPrerequisites } from './setup/prerequisites.mjs';
import { note, SetupTrouble, say } from './setup/say.mjs';
import { installWheels, wheelsAreThere } from './setup/wheels.mjs';

const ROOT = path.resolve(fileURLToPath(new URL('..', import.meta.url)));

export async function setUp(root = ROOT) {
  if (packagesAreThere(root) && wheelsAreThere(root) && bindingIsThere(root) && buildIsFresh(root))
    return note('everything is there');
  checkPrerequisites();
  installPackages(root);
  await installWheels(root);
  compileBinding(root);
  build(root);
  note('done');
}

/** Runs set-up and ends the process with a message, not a stack, when something is missing. */
export async function setUpOrExit() {
  try {
    await setUp();
  } catch (error) {
    if (!(error instanceof SetupTrouble)) throw error;
    say(error.message);
    process.exit(7);
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await setUpOrExit();
