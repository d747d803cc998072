/** JSON documents in the store, validated against a schema when they are read. */
import type { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { findObject } from './find-object.js';
import type { ObjectInfo, ObjectStore, PutOptions } from './object-store.js';

/** Writes a document as indented, readable JSON. */
export function putJson(
  store: ObjectStore,
  key: string,
  value: unknown,
  options: PutOptions = {},
): Promise<ObjectInfo> {
  const text = `${JSON.stringify(value, null, 1)}\n`;
  return store.put(key, Buffer.from(text), { contentType: 'application/json', ...options });
}

/**
 * Reads a document.
 *
 * @throws StoreError if it is missing, is not valid JSON, or does not match the schema.
 */
export async function getJson<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseJson(await store.get(key), key, schema);
}

/** Like {@link getJson}, but returns null if there is no such object. */
export async function findJson<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const bytes = await findObject(store, key);
  return bytes && parseJson(bytes, key, schema);
}

/**
 * Parses and validates the bytes of a document; `where` names it in errors.
 *
 * @throws StoreError if it is not valid JSON or does not match the schema.
 */
export function parseJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  where: string,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(parseText(bytes, where));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StoreError({
    what: `does not match the schema of this version of GIST (at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'invalid'})`,
    where,
    hint: 'It was written by another version or is corrupt; create it again.',
  });
}

function parseText(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    // The message of the parser is not passed on: it quotes the text, which may be sensitive.
    throw new StoreError({ what: 'is not valid JSON', where, hint: 'It is corrupt; create it again.' });
  }
}
