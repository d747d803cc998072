/** Checks that the disks have enough free space for the downloads of set-up. */
import fs from 'node:fs';
import path from 'node:path';
import { packagesAreThere } from './packages.mjs';
import { cacheFolder, missingParts } from './parts.mjs';
import { SetupError } from './say.mjs';

/** Size of node_modules and the compiled code. */
const CHECKOUT_MEGABYTES = 850;

/** @throws SetupError before anything is downloaded */
export function checkRoom(root) {
  const needs = [
    { folder: root, megabytes: packagesAreThere(root) ? 0 : CHECKOUT_MEGABYTES },
    {
      folder: cacheFolder(),
      megabytes: missingParts(root).reduce((sum, { megabytes }) => sum + megabytes, 0),
    },
  ].map((need) => ({ ...need, disk: existing(need.folder) }));
  const device = ({ disk }) => fs.statSync(disk).dev;
  for (const need of needs) {
    const onSameDisk = needs.filter((other) => device(other) === device(need));
    const wanted = onSameDisk.reduce((sum, { megabytes }) => sum + megabytes, 0);
    const { bavail, bsize } = fs.statfsSync(need.disk);
    const free = (bavail * bsize) / 1e6;
    if (wanted > 0 && free < wanted) throw new SetupError(tooSmall(onSameDisk, wanted, free));
  }
}

function tooSmall(needs, wanted, free) {
  const folders = needs.filter(({ megabytes }) => megabytes > 0).map(({ folder }) => folder);
  const gigabytes = (megabytes) => `${(megabytes / 1000).toFixed(1)} GB`;
  return (
    `the disk has ${gigabytes(free)} free, and set-up needs ${gigabytes(wanted)} in ${folders.join(' and ')}; nothing was downloaded. ` +
    'Free some space, or set GIST_CACHE_DIR to a folder on a larger disk.'
  );
}

/** The folder itself or, if it does not exist, its nearest existing ancestor. */
function existing(folder) {
  return fs.existsSync(folder) ? folder : existing(path.dirname(folder));
}
