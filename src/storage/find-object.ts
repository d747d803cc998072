/** Reads objects that may not exist. */
import type { Readable } from 'node:stream';
import { StoreError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** @returns the bytes of the object; null if there is no such object. */
export function findObject(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  return find(store, key, () => store.get(key));
}

/** @returns a stream of the object; null if there is no such object. */
export function findStream(store: ObjectStore, key: string): Promise<Readable | null> {
  return find(store, key, () => store.getStream(key));
}

async function find<T>(store: ObjectStore, key: string, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // A failure that concerns the whole store (wrong secret, no bucket) makes head throw as well.
    if ((await store.head(key)) === null) return null;
    // Another process wrote the object between the two requests.
    return read();
  }
}
