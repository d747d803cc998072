/**
 * Hides the names of a source's files in the plan of a data set. They are encrypted with a key of
 * the plan, so that any worker with the source can build a shard; the key is deleted once the data
 * set is complete, and nobody can read them any more.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { PreconditionFailedError, StoreError } from '../../core/errors.js';
import { joinKey, type ObjectStore } from '../../storage/index.js';
import { findObject } from '../../storage/find-object.js';
import { datasetPrefix } from './dataset-manifest.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class NameSeal {
  readonly #key: Uint8Array;
  readonly #where: string;

  /** @param where the key's object, for errors */
  constructor(key: Uint8Array, where: string) {
    this.#key = key;
    this.#where = where;
  }

  seal(name: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    const text = Buffer.concat([cipher.update(name, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
  }

  /** @throws StoreError when it was sealed with another key */
  open(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), options);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      throw new StoreError({ what: 'is not the key of this plan', where: this.#where, hint: AGAIN });
    }
  }
}

const AGAIN = 'Start the run again.';

/** Key of the object that holds the key. */
export function sealKey(folder: string): string {
  return joinKey(datasetPrefix(folder), 'plan/names.key');
}

/** The seal of a plan; a new one where there is none. All attempts to plan have the same. */
export async function makeSeal(store: ObjectStore, folder: string): Promise<NameSeal> {
  const where = sealKey(folder);
  const known = await findSeal(store, folder);
  if (known) return known;
  const key = randomBytes(KEY_BYTES);
  try {
    await store.put(where, key, { ifAbsent: true });
    return new NameSeal(key, where);
  } catch (error) {
    if (!(error instanceof PreconditionFailedError)) throw error;
    return readSeal(store, folder);
  }
}

/** @throws StoreError when the key was deleted */
export async function readSeal(store: ObjectStore, folder: string): Promise<NameSeal> {
  const seal = await findSeal(store, folder);
  if (seal) return seal;
  throw new StoreError({
    what: 'was deleted: the data set is complete',
    where: sealKey(folder),
    hint: AGAIN,
  });
}

export async function findSeal(store: ObjectStore, folder: string): Promise<NameSeal | null> {
  const where = sealKey(folder);
  const key = await findObject(store, where);
  return key && new NameSeal(key, where);
}

/** Makes the names of a complete data set unreadable. */
export function breakSeal(store: ObjectStore, folder: string): Promise<void> {
  return store.delete(sealKey(folder));
}
