/** Objects that may not be there. */
import { StoreError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** The object's bytes; null when there is no such object. */
export async function findObject(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // A refusal of the store as a whole (wrong secret, no bucket) fails the head too and is thrown there.
    if ((await store.head(key)) === null) return null;
    // Written between the two: another's document, published while this one looked.
    return store.get(key);
  }
}
