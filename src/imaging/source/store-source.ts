/** Images under a prefix of an object store. */
import { GistError, reviveError, wireError } from '../../core/errors.js';
import type { ObjectStore } from '../../storage/index.js';
import { HEAD_BYTES, isSystemName } from './file-kinds.js';
import type { Column } from './column.js';
import {
  FoundImages,
  type ImageSource,
  type ListOptions,
  MAX_FILE_BYTES,
  type SourceImage,
  tooLarge,
} from './image-source.js';
import { SourceContents } from './source-contents.js';

export class StoreSource implements ImageSource {
  readonly uri: string;
  readonly #store: ObjectStore;
  contents = new SourceContents();

  /** @param store object store opened at the prefix of the images. */
  constructor(uri: string, store: ObjectStore) {
    this.uri = uri;
    this.#store = store;
  }

  async list(options: ListOptions = {}): Promise<Column<SourceImage>> {
    const contents = new SourceContents();
    this.contents = contents;
    const found = new FoundImages(contents, options);
    for await (const { key, bytes, etag } of this.#store.list('')) {
      found.add({ name: key, bytes, identity: `etag:${etag}` });
      if (!key.split('/').some(isSystemName)) contents.addFolders(key);
    }
    const readHead = async ({ name, bytes }: SourceImage) =>
      bytes === 0
        ? new Uint8Array()
        : this.#store
            .get(name, { first: 0, last: Math.min(bytes, HEAD_BYTES) - 1 })
            .catch((error: unknown) => this.#fail(error));
    return found.sorted(this.uri, readHead);
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
      this.#fail(error);
    }
    return Buffer.concat(chunks);
  }

  /** The key in the error ends with the file name, which may contain a patient's name. */
  #fail(error: unknown): never {
    throw error instanceof GistError ? reviveError({ ...wireError(error), where: this.uri }) : error;
  }
}
