/**
 * What earlier data sets leave for later ones: of a source that has grown, only the new images are
 * read. Trusted are the content of a file by its checksum, or by its name, size and time where a
 * source has no checksums; and the images of another data set by their CRC-32.
 */
import { stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { contentKey, findJson, joinKey, type ObjectStore, putJson, sha256 } from '../../storage/index.js';
import { findStream } from '../../storage/find-object.js';
import { makeSettings } from '../pixels/make-image.js';
import type { WindowChoice } from '../pixels/window-choice.js';
import { datasetPrefix, pad } from './dataset-manifest.js';
import type { DiskTable } from './disk-table.js';
import { type Place, placeSchema } from './made-images.js';
import type { Checksums } from '../source/image-source.js';
import type { PlanScratch } from './plan-scratch.js';

/** Increment when the same file and settings give other pixels. */
const PIXELS_VERSION = 1;

const lastSchema = z.object({ version: z.literal(1), folder: z.string(), shards: z.int() });

/** `<prefix>plan/made-00000.ndjson`: what each image of a shard was made of, and where it is. */
const madeLineSchema = placeSchema.extend({ content: z.string() });
export type MadeLine = z.output<typeof madeLineSchema>;

/** `<prefix>plan/thumbnails.ndjson`: in base64; null for images that cannot be decoded. */
const thumbnailLineSchema = z.tuple([z.string(), z.string().nullable()]);

/** Found by what they were made of. They are on disk: an earlier data set may have millions. */
export interface EarlierImages {
  placeOf(content: string): Place | undefined;
  /** null for an image that cannot be decoded. */
  thumbnailOf(content: string): Uint8Array | null | undefined;
}

export const NO_IMAGES: EarlierImages = { placeOf: () => undefined, thumbnailOf: () => undefined };

/** Whether an image and its thumbnail need not be made again. */
export function isKnown(content: string, images: EarlierImages): boolean {
  return images.placeOf(content) !== undefined && images.thumbnailOf(content) !== undefined;
}

/** The data set that was last finished with images of these settings. */
function lastKey(spec: PreprocessSpec, window: WindowChoice | null): string {
  const settings = makeSettings(spec, window?.range);
  return `cache/images/${contentKey('images', PIXELS_VERSION, [], settings)}.json`;
}

function madeKey(folder: string, shard: number): string {
  return joinKey(datasetPrefix(folder), `plan/made-${pad(shard, 5)}.ndjson`);
}

function thumbnailsKey(folder: string): string {
  return joinKey(datasetPrefix(folder), 'plan/thumbnails.ndjson');
}

/**
 * Finds the images of the last data set with the same settings of pixels; none if it is gone.
 *
 * @param scratch holds them; used until its tables are closed
 */
export async function readEarlierImages(
  store: ObjectStore,
  spec: PreprocessSpec,
  { window, scratch }: { window: WindowChoice; scratch: PlanScratch },
): Promise<EarlierImages> {
  const last = await findJson(store, lastKey(spec, window), lastSchema);
  if (last === null) return NO_IMAGES;
  const [places, thumbnails] = [scratch.table(), scratch.table()];
  for (let shard = 0; shard < last.shards; shard++)
    for await (const { content, ...place } of readLines(store, madeKey(last.folder, shard), madeLineSchema))
      places.set(content, JSON.stringify(place));
  for await (const [content, thumbnail] of readLines(store, thumbnailsKey(last.folder), thumbnailLineSchema))
    thumbnails.set(content, thumbnail ?? '');
  return imagesOf(places, thumbnails);
}

/**
 * @param thumbnails in base64; empty for an image that cannot be decoded
 * @param others where an image that is in neither table is
 */
export function imagesOf(places: DiskTable, thumbnails: DiskTable, others = NO_IMAGES): EarlierImages {
  return {
    placeOf: (content) => {
      const text = places.get(content);
      return text === undefined ? others.placeOf(content) : (JSON.parse(text) as Place);
    },
    thumbnailOf: (content) => {
      const text = thumbnails.get(content);
      if (text === undefined) return others.thumbnailOf(content);
      return text === '' ? null : Buffer.from(text, 'base64');
    },
  };
}

/** Call when a data set is finished: later ones begin with its images. */
export async function keepForLater(
  store: ObjectStore,
  spec: PreprocessSpec,
  { folder, window, shards }: { folder: string; window: WindowChoice | null; shards: number },
): Promise<void> {
  await putJson(store, lastKey(spec, window), { version: 1, folder, shards });
}

export function writeMadeLines(
  store: ObjectStore,
  folder: string,
  shard: number,
  lines: readonly MadeLine[],
): Promise<unknown> {
  return writeLines(store, madeKey(folder, shard), lines);
}

export function writeThumbnails(
  store: ObjectStore,
  folder: string,
  thumbnails: ReadonlyMap<string, Uint8Array | null>,
): Promise<unknown> {
  const lines = [...thumbnails].map(([content, bytes]) => [
    content,
    bytes && Buffer.from(bytes).toString('base64'),
  ]);
  return writeLines(store, thumbnailsKey(folder), lines);
}

const checksumLineSchema = z.tuple([z.string(), z.string()]);

function checksumsKey(uri: string): string {
  return `cache/sources/${sha256(uri).slice(0, 32)}.ndjson`;
}

/** SHA-256 of the files of a folder, as an earlier run read them: by name, size and time. */
export async function readChecksums(
  store: ObjectStore,
  uri: string,
  scratch: PlanScratch,
): Promise<Checksums | null> {
  let table: DiskTable | undefined;
  for await (const [version, checksum] of readLines(store, checksumsKey(uri), checksumLineSchema)) {
    table ??= scratch.table();
    table.set(version, checksum);
  }
  return table ? { find: (version) => table.get(version) } : null;
}

export async function writeChecksums(
  store: ObjectStore,
  uri: string,
  { checksums, scratch }: { checksums: Iterable<[string, string]>; scratch: PlanScratch },
): Promise<void> {
  const file = scratch.file();
  const lines = function* () {
    for (const line of checksums) yield `${JSON.stringify(line)}\n`;
  };
  await writeFile(file, lines());
  if ((await stat(file)).size > 0)
    await store.put(checksumsKey(uri), { file }, { contentType: 'application/x-ndjson' });
}

export function writeLines(store: ObjectStore, key: string, lines: readonly unknown[]): Promise<unknown> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return store.put(key, Buffer.from(text), { contentType: 'application/x-ndjson' });
}

/** What cannot be read is made again: lines of another version, or an object that is gone. */
export async function* readLines<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): AsyncGenerator<z.output<Schema>> {
  const stream = await findStream(store, key);
  if (stream === null) return;
  for await (const line of linesOf(stream)) {
    const parsed = schema.safeParse(jsonOrNull(line));
    if (!parsed.success) return;
    yield parsed.data;
  }
}

/** `readline` does not report errors of the stream. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function jsonOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
