/** Builds one shard of a planned data set. */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { makeScratchFolder } from '../../core/scratch.js';
import { DatasetError, ImageError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { classifyFileError } from '../../storage/file-errors.js';
import { findJson, joinKey, type ObjectStore, partVerifies, sha256 } from '../../storage/index.js';
import { settingsOf } from './all-frames.js';
import { datasetPrefix, imageName, type RejectedImage } from './dataset-manifest.js';
import { withBytes } from '../source/bounded-read.js';
import type { ImageSource } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import { mirrorImage } from '../pixels/mirror.js';
import { readSeal } from './name-seal.js';
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
import { ExposureCounter } from './exposure.js';
import { joinSizes, sizesOf, type SourceSizes } from './source-sizes.js';
import { encodePng } from '../pixels/png.js';
import { channelsOf, processImage } from '../pixels/process.js';
import { writeStoredZip, type ZipFileContent } from './stored-zip.js';
import type { ValueRange } from '../pixels/window.js';

export interface WorkOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/**
 * Images that are started and not yet stored. More than the processors, so that each has the next
 * image while a slow one is waited for; the memory of pixels is limited where they are decoded.
 */
const IN_FLIGHT = 2 + 2 * availableParallelism();

/** The result of one source image: the PNG files, or the reason for which it was rejected. */
type ImageResult = { planned: PlannedImage; notes: string[] } & (
  | { files: Uint8Array[]; pixels: Uint8Array; sizes: SourceSizes | null }
  | { reason: string }
);

/** What all images of a shard have in common. */
interface ShardOptions {
  source: ImageSource;
  spec: PreprocessSpec;
  copies: 1 | 2;
  range: ValueRange | undefined;
  /** Name of an image's file in the source. */
  nameOf: (image: PlannedImage) => string;
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
  const nameOf = await nameReader(store, digest, planned);
  const report: ShardReport = {
    split,
    part: null,
    images: [],
    rejected: [],
    notes: {},
    exposure: [],
    sizes: null,
  };
  const counter = new ExposureCounter();
  const copies = copiesPerImage(spec, split);
  const options = { source, spec, copies, range: plan.window?.range, nameOf };

  async function* files(): AsyncGenerator<ZipFileContent> {
    let done = 0;
    for await (const result of mapInOrder(planned, IN_FLIGHT, (image) => makeImage(image, options), signal)) {
      for (const note of result.notes) report.notes[note] = (report.notes[note] ?? 0) + 1;
      if ('reason' in result) report.rejected.push(rejectedOf(result.planned, result.reason));
      else {
        counter.addImage(result.planned.label, result.pixels);
        report.sizes = joinSizes(report.sizes, result.sizes);
        yield* addImage(result.planned, result.files);
      }
      onProgress?.({ done: ++done, total: planned.length, unit: 'images' });
    }
  }
  function* addImage(image: PlannedImage, pngs: Uint8Array[]): Generator<ZipFileContent> {
    for (const [copy, bytes] of pngs.entries()) {
      const name = imageName(image.index + copy);
      report.images.push([name, image.label]);
      yield { name, bytes };
    }
  }

  const folder = await makeScratchFolder('shard');
  try {
    const archive = path.join(folder, 'shard.zip');
    const { bytes, sha256: checksum } = await writeStoredZip(archive, files());
    if (report.images.length > 0) {
      await store.put(joinKey(prefix, key), { file: archive }, { contentType: 'application/zip' });
      report.part = { key, bytes, sha256: checksum };
    }
    await writeReport(store, digest, shard, { ...report, exposure: counter.exposures });
  } catch (error) {
    throw signal?.aborted ? error : classifyFileError(error, 'temporary folder');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names that the plan hides are read with its key. */
async function nameReader(
  store: ObjectStore,
  digest: string,
  planned: readonly PlannedImage[],
): Promise<ShardOptions['nameOf']> {
  if (!planned.some(({ sealed }) => sealed !== undefined)) return ({ name }) => name;
  const seal = await readSeal(store, digest);
  return ({ name, sealed }) => (sealed === undefined ? name : seal.open(sealed));
}

function rejectedOf({ name, position, frame }: PlannedImage, reason: string): RejectedImage {
  const what = frame === undefined ? reason : `frame ${frame}: ${reason}`;
  return { name, ...(position === undefined ? {} : { position }), reason: what };
}

async function makeImage(
  planned: PlannedImage,
  { source, spec, copies, range, nameOf }: ShardOptions,
): Promise<ImageResult> {
  const notes: string[] = [];
  const { resolution } = spec;
  const channels = channelsOf(spec.color);
  const encode = (version: Uint8Array) => encodePng(version, resolution, resolution, channels);
  const makeFiles = async (bytes: Uint8Array) => {
    requireUnchanged(bytes, planned, spec.source);
    let sizes: SourceSizes | null = null;
    const pixels = await processImage(bytes, {
      ...settingsOf(spec, planned),
      range,
      onSize: (size) => {
        sizes = sizesOf(size, resolution);
      },
      onNote: (note) => notes.push(note),
    });
    const versions =
      copies === 2 ? [pixels, mirrorImage(pixels, resolution, resolution, channels)] : [pixels];
    return { pixels, sizes, files: await Promise.all(versions.map(encode)) };
  };
  try {
    return { planned, notes, ...(await withBytes(source, { ...planned, name: nameOf(planned) }, makeFiles)) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { planned, notes, reason: [error.what, error.hint].filter(Boolean).join('. ') };
  }
}

/**
 * The digest identifies the images as they were listed, so changed images must not be stored under
 * it.
 */
function requireUnchanged(bytes: Uint8Array, planned: PlannedImage, where: string): void {
  const hash = /^sha256:(.*)$/.exec(planned.identity)?.[1];
  if (bytes.byteLength === planned.bytes && (hash === undefined || sha256(bytes) === hash)) return;
  throw new DatasetError({
    what: 'contains an image that has changed since it was listed',
    where,
    hint: 'Do not change the source while it is read, and start the run again.',
  });
}
