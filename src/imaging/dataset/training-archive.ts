/** Caches the training images of a data set as a single zip that StyleGAN3's tools can read. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError, GistError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import { makeScratchFolder } from '../../core/scratch.js';
import { classifyFileError } from '../../storage/file-errors.js';
import { downloadVerified, getJson, joinKey, type ObjectStore } from '../../storage/index.js';
import { openDataset } from './dataset.js';
import { openShard } from './dataset-archive.js';
import { cacheName, type DatasetManifest, LABEL_FILES, labelFileSchema } from './dataset-manifest.js';
import { openRandomAccess } from '../source/random-access.js';
import { writeStoredZip, type ZipFileContent } from './stored-zip.js';
import { makeRoom, markUsed } from './training-cache.js';
import { readZipDirectory } from '../source/zip-directory.js';

const LABELS = LABEL_FILES.train;

/**
 * Writes the images of the shards, stored without compression, and `dataset.json` with their
 * labels. The archive is written once per data set, one shard at a time: memory holds one image,
 * and the disk holds one shard in addition to the archive.
 *
 * @param cacheFolder shared between processes and data sets; its content may be deleted at any time
 *   before the call.
 * @returns path of the archive
 * @throws DatasetError when there is no such data set, or it contains no training images.
 */
export async function trainingArchive(
  store: ObjectStore,
  prefix: string,
  cacheFolder: string,
  onProgress: OnProgress = () => undefined,
): Promise<string> {
  const { manifest } = await openDataset(store, prefix);
  if (manifest.images.train === 0)
    throw new DatasetError({ what: 'contains no training images', where: prefix });
  const name = `${cacheName(manifest)}.zip`;
  const file = path.join(cacheFolder, name);
  let scratch: string | undefined;
  try {
    if (await isComplete(file, manifest)) {
      await markUsed(file);
      return file;
    }
    await makeRoom(cacheFolder, archiveBytes(manifest));
    await mkdir(cacheFolder, { recursive: true });
    scratch = await makeScratchFolder('archive', cacheFolder);
    const temporary = path.join(scratch, name);
    await writeStoredZip(temporary, files(store, prefix, manifest, onProgress));
    await rename(temporary, file);
    return file;
  } catch (error) {
    throw classifyFileError(error, name);
  } finally {
    if (scratch) await rm(scratch, { recursive: true, force: true });
  }
}

/** The shards hold the same images, stored in the same way. */
function archiveBytes({ shards }: DatasetManifest): number {
  return shards.filter(({ split }) => split === 'train').reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Checks the zip directory, which is at the end of the file. The archive is created by an atomic
 * rename, but it may be truncated or replaced later.
 */
async function isComplete(file: string, manifest: DatasetManifest): Promise<boolean> {
  if ((await stat(file).catch(() => null)) === null) return false;
  try {
    const { entries } = await readZipDirectory(await openRandomAccess(file, file), file);
    return entries.size === manifest.images.train + 1 && entries.has(LABELS);
  } catch (error) {
    if (error instanceof GistError) return false;
    throw error;
  }
}

async function* files(
  store: ObjectStore,
  prefix: string,
  manifest: DatasetManifest,
  onProgress: OnProgress,
): AsyncGenerator<ZipFileContent> {
  const folder = await makeScratchFolder('archive');
  const total = manifest.images.train;
  let done = 0;
  try {
    for (const part of manifest.shards.filter(({ split }) => split === 'train')) {
      const local = path.join(folder, part.key);
      await downloadVerified(store, joinKey(prefix, part.key), local, part);
      const shard = await openShard(local);
      for (const name of shard.names) {
        yield { name, bytes: await shard.read(name) };
        onProgress({ done: ++done, total, unit: 'images' });
      }
      await rm(local);
    }
    const labels =
      manifest.classes === null
        ? { labels: null }
        : await getJson(store, joinKey(prefix, LABELS), labelFileSchema);
    yield { name: LABELS, bytes: Buffer.from(JSON.stringify(labels)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
