/** Reads objects that may not exist. */
import { StoreError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** @returns the bytes of the object; null if there is no such object. */
export async function findObject(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // A failure that concerns the whole store (wrong secret, no bucket) makes head throw as well.
    if ((await store.head(key)) === null) return null;
    // Another process wrote the object between the two requests.
    return store.get(key);
  }
}
