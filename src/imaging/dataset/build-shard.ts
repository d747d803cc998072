/** Builds one shard of a planned data set. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../../core/scratch.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { compareKeys } from '../../storage/uri.js';
import { classifyFileError } from '../../storage/file-errors.js';
import { findJson, joinKey, type ObjectStore, partVerifies } from '../../storage/index.js';
import { datasetPrefix } from './dataset-manifest.js';
import type { ImageSource } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import { contentOf, MadeImages, type Place } from './made-images.js';
import { type MadeImage, type MakeSettings, makeSettings } from '../pixels/make-image.js';
import { type NamedImage, readNames } from './planned-names.js';
import { copiesPerImage } from './plan.js';
import {
  locateShard,
  type PlannedImage,
  readShardPlan,
  readPlan,
  reportKey,
  shardReportSchema,
  writeReport,
} from './plan-file.js';
import { ShardContents } from './shard-contents.js';
import { writeStoredZip, type ZipFileContent } from './stored-zip.js';
import { writeMadeLines } from './earlier-images.js';
import { TASKS_IN_FLIGHT } from '../threads/image-pool.js';
import { inBatches, makeImages, type MadeWithThumbnail } from '../threads/work-on-files.js';

export interface WorkOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

type ImageResult = NamedImage & { made: MadeImage };

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
  const images = await readNames(store, digest, planned);
  const copies = copiesPerImage(spec, split);
  const { resolution } = spec;
  const contents = new ShardContents({ split, key: joinKey(prefix, key), copies, resolution });
  const settings = makeSettings({ ...spec, mirror: copies === 2 }, plan.window?.range);

  async function* files(): AsyncGenerator<ZipFileContent> {
    let done = 0;
    const known = new MadeImages(store, placesOf(planned));
    const make = (some: NamedImage[]) => readOrMake(source, some, settings, known);
    for await (const { planned: line, image, made } of inPlannedOrder(images, make, signal)) {
      yield* contents.add(line, contentOf(image), made);
      onProgress?.({ done: ++done, total: planned.length, unit: 'images' });
    }
  }
  const folder = await makeScratchFolder('shard');
  try {
    const archive = path.join(folder, 'shard.zip');
    const { bytes, sha256: checksum } = await writeStoredZip(archive, files());
    signal?.throwIfAborted();
    if (!contents.isEmpty)
      await store.put(joinKey(prefix, key), { file: archive }, { contentType: 'application/zip' });
    await writeMadeLines(store, digest, shard, contents.lines);
    const part = contents.isEmpty ? null : { key, bytes, sha256: checksum };
    await writeReport(store, digest, shard, contents.report(part));
  } catch (error) {
    throw signal?.aborted ? error : classifyFileError(error, 'temporary folder');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Images that are made together, where frames of their files are. */
const FRAMES_TOGETHER = 256;

/** Makes images in batches. The order of a set is random: frames are made file by file instead. */
async function* inPlannedOrder(
  images: readonly NamedImage[],
  make: (some: NamedImage[]) => Promise<ImageResult[]>,
  signal?: AbortSignal,
): AsyncGenerator<ImageResult> {
  const batchesOf = (some: readonly NamedImage[]) =>
    inBatches(
      some,
      ({ planned: { bytes, made } }) => (made ? 0 : bytes),
      ({ image }) => image,
    );
  if (!images.some(({ image }) => image.frame !== undefined)) {
    for await (const results of mapInOrder(batchesOf(images), TASKS_IN_FLIGHT, make, signal)) yield* results;
    return;
  }
  for (let start = 0; start < images.length; start += FRAMES_TOGETHER) {
    const some = images.slice(start, start + FRAMES_TOGETHER);
    const byFile = [...some].sort((a, b) => compareKeys(a.image.name, b.image.name));
    const made: ImageResult[] = [];
    for await (const results of mapInOrder(batchesOf(byFile), TASKS_IN_FLIGHT, make, signal))
      made.push(...results);
    yield* made.sort((a, b) => a.planned.index - b.planned.index);
  }
}

function placesOf(planned: readonly PlannedImage[]): Place[] {
  return planned.flatMap(({ made }) => made ?? []);
}

/** Reads the images that exist, and makes the others. */
async function readOrMake(
  source: ImageSource,
  images: readonly NamedImage[],
  settings: MakeSettings,
  known: MadeImages,
): Promise<ImageResult[]> {
  const versions = settings.mirror ? 2 : 1;
  const isComplete = ({ files, reason }: Place) => reason !== undefined || (files ?? []).length >= versions;
  const find = ({ planned: { made } }: NamedImage) => (made && isComplete(made) ? known.read(made) : null);
  const found = await Promise.all(images.map(find));
  const missing = images.filter((_, i) => found[i] === null).map(({ image }) => image);
  const made = await makeImages(source, missing, settings, { wantsThumbnails: false });
  return images.map((named, i) => ({
    ...named,
    made: found[i] ?? (made.shift() as MadeWithThumbnail).made,
  }));
}
