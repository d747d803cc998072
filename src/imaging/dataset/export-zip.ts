/** Exports a data set as the one .zip that StyleGAN3's tools read. */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError, UsageError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import { makeScratchFolder } from '../../core/scratch.js';
import { classifyFileError } from '../../storage/file-errors.js';
import { downloadVerified, joinKey, type ObjectStore, openStore, parseUri } from '../../storage/index.js';
import { openDataset, readLabels } from './dataset.js';
import { openShard } from './dataset-archive.js';
import { type DatasetManifest, type DatasetSplit, imageName, LABEL_FILES } from './dataset-manifest.js';
import { writeStoredZip, type ZipFileContent } from './stored-zip.js';

/**
 * Writes PNG images, numbered from 0, and `dataset.json` with their labels. The names of the
 * classes are beside the labels, where StyleGAN's tools ignore them.
 *
 * @param target path or s3:// address of the archive; an existing file is replaced
 * @returns number of images
 * @throws DatasetError when the splits have no images
 */
export async function exportZip(
  store: ObjectStore,
  prefix: string,
  target: string,
  { splits, onProgress }: { splits: readonly DatasetSplit[]; onProgress?: OnProgress },
): Promise<number> {
  const { manifest } = await openDataset(store, prefix);
  const total = splits.reduce((sum, split) => sum + manifest.images[split], 0);
  if (total === 0)
    throw new DatasetError({ what: `contains no ${splits.join(' or ')} images`, where: prefix });
  if (!/\.zip$/i.test(target))
    throw new UsageError({
      what: `${target} does not end in .zip`,
      hint: 'Name the archive, such as knees.zip.',
    });
  const location = parseUri(target);
  const beside = location.scheme === 'file' ? path.dirname(location.path) : undefined;
  const scratch = await makeScratchFolder('export', beside).catch((error: unknown) => {
    throw classifyFileError(error, target);
  });
  try {
    const file = path.join(scratch, 'export.zip');
    await writeStoredZip(
      file,
      exportedFiles(store, prefix, manifest, { splits, scratch, total, onProgress }),
    );
    if (location.scheme === 'file') await rename(file, location.path);
    else
      await openStore(`s3://${location.bucket}/`).put(
        location.prefix.slice(0, -1),
        { file },
        { contentType: 'application/zip' },
      );
    return total;
  } catch (error) {
    throw classifyFileError(error, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface ExportWork {
  splits: readonly DatasetSplit[];
  scratch: string;
  total: number;
  onProgress?: OnProgress;
}

async function* exportedFiles(
  store: ObjectStore,
  prefix: string,
  manifest: DatasetManifest,
  { splits, scratch, total, onProgress }: ExportWork,
): AsyncGenerator<ZipFileContent> {
  const labels: [string, number][] = [];
  let index = 0;
  for (const split of splits) {
    const known = await readLabels(store, prefix, manifest, split);
    for (const part of manifest.shards.filter((shard) => shard.split === split)) {
      const local = path.join(scratch, part.key);
      await downloadVerified(store, joinKey(prefix, part.key), local, part);
      const shard = await openShard(local);
      for (const own of shard.names) {
        const name = imageName(index++);
        const label = known?.get(own);
        if (label !== undefined) labels.push([name, label]);
        yield { name, bytes: await shard.read(own) };
        onProgress?.({ done: index, total, unit: 'images exported' });
      }
      await rm(local);
    }
  }
  const { classes } = manifest;
  const body = classes === null ? { labels: null } : { labels, classes };
  yield { name: LABEL_FILES.train, bytes: Buffer.from(JSON.stringify(body)) };
}
