/** Checks that this user may write what set-up would write. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { SetupError } from './say.mjs';

/** @throws SetupError that names the variable, or the user, that helps */
export function checkWritable(root, cache) {
  const places = [root, path.join(root, 'node_modules'), path.join(root, 'dist')];
  if (!places.filter((place) => existsSync(place)).every(mayWrite)) {
    throw new SetupError(
      `the checkout ${root} belongs to ${ownerOf(root)} and is not set up for this user. Let ${ownerOf(root)} run ` +
        '`npm run setup` with GIST_CACHE_DIR set to a folder that both of you can read, and set it too.',
    );
  }
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    throw unwritable(cache, error.code);
  }
  if (!mayWrite(cache)) throw unwritable(cache, 'EACCES');
}

function unwritable(cache, code) {
  return new SetupError(
    `the cache folder ${cache} cannot be written (${code}). Set GIST_CACHE_DIR to a folder that this user may write.`,
  );
}

function mayWrite(folder) {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function ownerOf(folder) {
  const { uid } = statSync(folder);
  return spawnSync('id', ['-nu', String(uid)], { encoding: 'utf8' }).stdout?.trim() || `user ${uid}`;
}
