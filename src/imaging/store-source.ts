/** Images under a prefix of an object store. */
import { GistError, reviveError, wireError } from '../core/errors.js';
import type { ObjectStore } from '../storage/index.js';
import {
  type ImageSource,
  isImageName,
  MAX_FILE_BYTES,
  type SourceImage,
  sortedImages,
  tooLarge,
} from './image-source.js';

export class StoreSource implements ImageSource {
  readonly uri: string;
  readonly #store: ObjectStore;
  ignored = 0;

  /** @param store object store opened at the prefix of the images. */
  constructor(uri: string, store: ObjectStore) {
    this.uri = uri;
    this.#store = store;
  }

  async *list(): AsyncIterable<SourceImage> {
    this.ignored = 0;
    const found: SourceImage[] = [];
    for await (const { key, bytes, etag } of this.#store.list('')) {
      if (isImageName(key)) found.push({ name: key, bytes, identity: `etag:${etag}` });
      else this.ignored++;
    }
    yield* sortedImages(this.uri, found, this.ignored);
  }

  async read(name: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? MAX_FILE_BYTES;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of await this.#store.getStream(name)) {
        bytes += (chunk as Uint8Array).byteLength;
        if (bytes > maxBytes) throw tooLarge(name, bytes, maxBytes);
        chunks.push(chunk as Uint8Array);
      }
    } catch (error) {
      // The key ends with the file name, which may contain a patient's name.
      throw error instanceof GistError ? reviveError({ ...wireError(error), where: this.uri }) : error;
    }
    return Buffer.concat(chunks);
  }
}
