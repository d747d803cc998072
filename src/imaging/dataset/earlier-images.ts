/**
 * What earlier data sets leave for later ones: of a source that has grown, only the new images are
 * read. Trusted are the content of a file by its checksum, or by its name, size and time where a
 * source has no checksums; and the images of another data set by their CRC-32.
 */
import { z } from 'zod';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { contentKey, findJson, joinKey, type ObjectStore, putJson, sha256 } from '../../storage/index.js';
import { findObject } from '../../storage/find-object.js';
import { makeSettings } from '../pixels/make-image.js';
import type { WindowChoice } from '../pixels/window-choice.js';
import { datasetPrefix, pad } from './dataset-manifest.js';
import { type Place, placeSchema } from './made-images.js';

/** Increment when the same file and settings give other pixels. */
const PIXELS_VERSION = 1;

const lastSchema = z.object({ version: z.literal(1), folder: z.string(), shards: z.int() });

/** `<prefix>plan/made-00000.ndjson`: what each image of a shard was made of, and where it is. */
const madeLineSchema = placeSchema.extend({ content: z.string() });
export type MadeLine = z.output<typeof madeLineSchema>;

/** `<prefix>plan/thumbnails.ndjson`: in base64; null for images that cannot be decoded. */
const thumbnailLineSchema = z.tuple([z.string(), z.string().nullable()]);

export interface EarlierImages {
  /** By what they were made of. */
  places: Map<string, Place>;
  thumbnails: Map<string, Uint8Array | null>;
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

/** Finds the images of the last data set with the same settings of pixels; none if it is gone. */
export async function readEarlierImages(
  store: ObjectStore,
  spec: PreprocessSpec,
  window: WindowChoice,
): Promise<EarlierImages> {
  const earlier: EarlierImages = { places: new Map(), thumbnails: new Map() };
  const last = await findJson(store, lastKey(spec, window), lastSchema);
  if (last === null) return earlier;
  for (let shard = 0; shard < last.shards; shard++) {
    for (const line of await readLines(store, madeKey(last.folder, shard), madeLineSchema)) {
      const { content, ...place } = line;
      earlier.places.set(content, place);
    }
  }
  for (const [content, bytes] of await readLines(store, thumbnailsKey(last.folder), thumbnailLineSchema))
    earlier.thumbnails.set(content, bytes === null ? null : Buffer.from(bytes, 'base64'));
  return earlier;
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
export async function readChecksums(store: ObjectStore, uri: string): Promise<Map<string, string>> {
  return new Map(await readLines(store, checksumsKey(uri), checksumLineSchema));
}

export function writeChecksums(
  store: ObjectStore,
  uri: string,
  checksums: ReadonlyMap<string, string>,
): Promise<unknown> {
  return writeLines(store, checksumsKey(uri), [...checksums]);
}

function writeLines(store: ObjectStore, key: string, lines: readonly unknown[]): Promise<unknown> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return store.put(key, Buffer.from(text), { contentType: 'application/x-ndjson' });
}

/** What cannot be read is made again: lines of another version, or an object that is gone. */
async function readLines<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const bytes = await findObject(store, key);
  if (bytes === null) return [];
  try {
    const lines = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean);
    return lines.map((line) => schema.parse(JSON.parse(line)));
  } catch {
    return [];
  }
}
