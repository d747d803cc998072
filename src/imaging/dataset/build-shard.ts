/** Builds one shard of a planned data set. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../../core/scratch.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { classifyFileError } from '../../storage/file-errors.js';
import { findJson, joinKey, type ObjectStore, partVerifies } from '../../storage/index.js';
import { datasetPrefix, imageName } from './dataset-manifest.js';
import type { ImageSource } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import { contentOf, type FilePlace, MadeImages, type Place } from './made-images.js';
import { type MadeImage, type MakeSettings, makeSettings } from '../pixels/make-image.js';
import { copiesPerImage } from './plan.js';
import {
  locateShard,
  type PlannedImage,
  readShardPlan,
  readPlan,
  reportKey,
  type ShardReport,
  shardReportSchema,
  writeReport,
} from './plan-file.js';
import { LOCAL_HEADER_BYTES, writeStoredZip, type ZipFileContent } from './stored-zip.js';
import { crc32 } from './crc32.js';
import { type MadeLine, writeMadeLines } from './earlier-images.js';
import { TASKS_IN_FLIGHT } from '../threads/image-pool.js';
import { inBatches, makeImages, type MadeWithThumbnail } from '../threads/work-on-files.js';

export interface WorkOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** The result of one source image. */
interface ImageResult {
  planned: PlannedImage;
  made: MadeImage;
}

/**
 * Processes the images of one shard and stores the shard, then its report. Idempotent: a shard that
 * exists and passes verification is kept. Images that cannot be decoded are left out and listed in
 * the report.
 *
 * @throws DatasetError when the source has changed since it was listed.
 */
export async function buildShard(
  store: ObjectStore,
  source: ImageSource,
  spec: PreprocessSpec,
  { digest, shard, onProgress, signal }: { digest: string; shard: number } & WorkOptions,
): Promise<void> {
  const prefix = datasetPrefix(digest);
  const existing = await findJson(store, reportKey(digest, shard), shardReportSchema);
  if (existing && (existing.part === null || (await partVerifies(store, prefix, existing.part)))) return;

  const plan = await readPlan(store, digest);
  const { split, key } = locateShard(plan, shard);
  const planned = await readShardPlan(store, digest, shard);
  const report: ShardReport = { split, part: null, images: [], rejected: [], notes: {} };
  const lines: MadeLine[] = [];
  /** Length of the archive so far. */
  let written = 0;
  const copies = copiesPerImage(spec, split);
  const settings = makeSettings({ ...spec, mirror: copies === 2 }, plan.window?.range);

  async function* files(): AsyncGenerator<ZipFileContent> {
    let done = 0;
    const known = new MadeImages(store, placesOf(planned));
    const make = (images: PlannedImage[]) => readOrMake(source, images, settings, known);
    const batches = inBatches(planned, ({ bytes, made }) => (made ? 0 : bytes));
    for await (const results of mapInOrder(batches, TASKS_IN_FLIGHT, make, signal)) {
      for (const { planned: image, made } of results) {
        for (const note of made.notes) report.notes[note] = (report.notes[note] ?? 0) + 1;
        const line = { content: contentOf(image), notes: made.notes };
        if ('reason' in made) {
          report.rejected.push({ name: image.name, reason: made.reason });
          lines.push({ ...line, reason: made.reason });
        } else {
          const places: FilePlace[] = [];
          lines.push({ ...line, key: joinKey(prefix, key), files: places });
          yield* addImage(image, made.files.slice(0, copies), places);
        }
      }
      done += results.length;
      onProgress?.({ done, total: planned.length, unit: 'images' });
    }
  }
  function* addImage(
    image: PlannedImage,
    pngs: Uint8Array[],
    places: FilePlace[],
  ): Generator<ZipFileContent> {
    for (const [copy, bytes] of pngs.entries()) {
      const name = imageName(image.index + copy);
      report.images.push([name, image.label]);
      written += LOCAL_HEADER_BYTES + Buffer.byteLength(name);
      places.push([written, bytes.byteLength, crc32(bytes)]);
      written += bytes.byteLength;
      yield { name, bytes };
    }
  }

  const folder = await makeScratchFolder('shard');
  try {
    const archive = path.join(folder, 'shard.zip');
    const { bytes, sha256: checksum } = await writeStoredZip(archive, files());
    signal?.throwIfAborted();
    if (report.images.length > 0) {
      await store.put(joinKey(prefix, key), { file: archive }, { contentType: 'application/zip' });
      report.part = { key, bytes, sha256: checksum };
    }
    await writeMadeLines(store, digest, shard, lines);
    await writeReport(store, digest, shard, report);
  } catch (error) {
    throw signal?.aborted ? error : classifyFileError(error, 'temporary folder');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function placesOf(planned: readonly PlannedImage[]): Place[] {
  return planned.flatMap(({ made }) => made ?? []);
}

/** Reads the images that exist, and makes the others. */
async function readOrMake(
  source: ImageSource,
  images: readonly PlannedImage[],
  settings: MakeSettings,
  known: MadeImages,
): Promise<ImageResult[]> {
  const versions = settings.mirror ? 2 : 1;
  const isComplete = ({ files, reason }: Place) => reason !== undefined || (files ?? []).length >= versions;
  const find = ({ made }: PlannedImage) => (made && isComplete(made) ? known.read(made) : null);
  const found = await Promise.all(images.map(find));
  const missing = images.filter((_, i) => found[i] === null);
  const made = await makeImages(source, missing, settings, { wantsThumbnails: false });
  return images.map((planned, i) => ({
    planned,
    made: found[i] ?? (made.shift() as MadeWithThumbnail).made,
  }));
}
