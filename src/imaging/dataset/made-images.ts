/**
 * Images that were made before their shard was: while copies were searched for, or for an earlier
 * data set. Each is found by what it was made of.
 */
import { z } from 'zod';
import { StoreError } from '../../core/errors.js';
import { joinKey, type ObjectStore, sha256 } from '../../storage/index.js';
import type { ImageFacts } from '../pixels/image-facts.js';
import type { MadeImage } from '../pixels/make-image.js';
import type { SourceImage } from '../source/image-source.js';
import { crc32 } from './crc32.js';
import { datasetPrefix, pad } from './dataset-manifest.js';

/** Offset, length and CRC-32 of a PNG file within an object. */
const filePlaceSchema = z.tuple([z.int(), z.int(), z.int()]);
export type FilePlace = z.output<typeof filePlaceSchema>;

const factsSchema: z.ZodType<ImageFacts> = z.object({
  width: z.int(),
  height: z.int(),
  mean: z.int(),
  levels: z.string(),
});

/** Where the PNG files of an image are, or why there are none. */
export const placeSchema = z.object({
  /** Key of the object that has them. */
  key: z.string().optional(),
  files: z.array(filePlaceSchema).optional(),
  facts: factsSchema.optional(),
  reason: z.string().optional(),
  notes: z.array(z.string()).optional(),
});
export type Place = z.output<typeof placeSchema>;

/** Length from which a pack is stored. */
const PACK_BYTES = 8 * 2 ** 20;

/**
 * What an image was made of: its content, or a hash of its name with size and time, if only these
 * tell files apart; and its frame, if it is one of several.
 *
 * @param image with its name in the source, which a plan may hide
 */
export function contentOf({ name, identity, frame }: SourceImage): string {
  const file = identity.startsWith('sha256:') ? identity : `name:${sha256(`${identity} ${name}`)}`;
  return frame === undefined ? file : `${file} frame ${frame}`;
}

/** Stores images as they are made, several in one object: a pack. */
export class PackWriter {
  readonly places = new Map<string, Place>();
  readonly #store: ObjectStore;
  readonly #prefix: string;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #packs = 0;
  #stored: Promise<unknown> = Promise.resolve();

  /** @param prefix of the keys of all packs */
  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  async add(image: SourceImage, made: MadeImage): Promise<void> {
    const notes = made.notes.length > 0 ? { notes: made.notes } : {};
    if ('reason' in made) {
      this.places.set(contentOf(image), { reason: made.reason, ...notes });
      return;
    }
    const files = made.files.map((bytes): FilePlace => {
      this.#parts.push(bytes);
      this.#bytes += bytes.byteLength;
      return [this.#bytes - bytes.byteLength, bytes.byteLength, crc32(bytes)];
    });
    this.places.set(contentOf(image), { key: this.#key(), files, facts: made.facts, ...notes });
    if (this.#bytes >= PACK_BYTES) await this.flush();
  }

  /** Stores what is left. Call once, after all images. */
  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const [key, pack] = [this.#key(), Buffer.concat(this.#parts)];
    [this.#parts, this.#bytes] = [[], 0];
    this.#packs++;
    // One pack at a time is in memory beside the next.
    await this.#stored;
    this.#stored = this.#store.put(key, pack);
    await this.#stored;
  }

  #key(): string {
    return `${this.#prefix}${pad(this.#packs, 5)}.bin`;
  }
}

/** @param folder of the data set under `datasets/` */
export function packPrefix(folder: string): string {
  return joinKey(datasetPrefix(folder), 'plan/pack-');
}

/** Of all that several workers make before the sides are known. */
export function lookPrefix(folder: string): string {
  return joinKey(datasetPrefix(folder), 'plan/look/');
}

/** Removes the packs of a data set, whose shards have their images. */
export async function removePacks(store: ObjectStore, folder: string): Promise<void> {
  for (const prefix of [packPrefix(folder), lookPrefix(folder)])
    for await (const { key } of store.list(prefix)) await store.delete(key);
}

/** Parts of objects that are read together: at most four times what is needed, and this long. */
const SPAN_BYTES = 8 * 2 ** 20;

interface Span {
  first: number;
  last: number;
  needed: number;
  read: Promise<Uint8Array> | null;
}

/** Reads images from where they are; neighbors with one request. */
export class MadeImages {
  readonly #spans = new Map<string, Span>();

  constructor(
    private readonly store: ObjectStore,
    places: Iterable<Place>,
  ) {
    for (const { key, files = [] } of places) for (const [at, bytes] of files) this.#include(key, at, bytes);
  }

  #include(key = '', at: number, bytes: number): void {
    const span = this.#spans.get(key) ?? { first: at, last: at, needed: 0, read: null };
    span.first = Math.min(span.first, at);
    span.last = Math.max(span.last, at + bytes - 1);
    span.needed += bytes;
    this.#spans.set(key, span);
  }

  /** @returns null when the object is gone, or has other bytes */
  async read({ key, files = [], facts, reason, notes = [] }: Place): Promise<MadeImage | null> {
    if (reason !== undefined) return { notes, reason };
    if (facts === undefined) return null;
    try {
      const found = await Promise.all(files.map((file) => this.#readFile(key ?? '', file)));
      return found.every((bytes) => bytes !== null) ? { notes, files: found, facts } : null;
    } catch (error) {
      if (error instanceof StoreError) return null;
      throw error;
    }
  }

  async #readFile(key: string, [at, length, checksum]: FilePlace): Promise<Uint8Array | null> {
    const span = this.#spans.get(key) as Span;
    const spanBytes = span.last - span.first + 1;
    const isDense = spanBytes <= SPAN_BYTES && spanBytes <= 4 * span.needed;
    let bytes: Uint8Array;
    if (isDense) {
      span.read ??= this.store.get(key, { first: span.first, last: span.last });
      bytes = (await span.read).subarray(at - span.first, at - span.first + length);
    } else bytes = await this.store.get(key, { first: at, last: at + length - 1 });
    return bytes.byteLength === length && crc32(bytes) === checksum ? bytes : null;
  }
}
