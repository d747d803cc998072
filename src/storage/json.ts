/** JSON documents in the store, checked by a schema when read. */
import type { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { findObject } from './find-object.js';
import type { ObjectInfo, ObjectStore, PutOptions } from './object-store.js';

/** Writes a document, indented so that people can read it. */
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
 * @throws StoreError when it is missing, no JSON, or not of the schema's shape.
 */
export async function getJson<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseJson(await store.get(key), key, schema);
}

/** {@link getJson}, or null when there is no such object. */
export async function findJson<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const bytes = await findObject(store, key);
  return bytes && parseJson(bytes, key, schema);
}

/** Checks a document's bytes; `where` names it in errors. @throws StoreError */
export function parseJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  where: string,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(parseText(bytes, where));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StoreError({
    what: `is not what this version of GIST writes there (at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'invalid'})`,
    where,
    hint: 'It was written by another version or damaged; make it again.',
  });
}

function parseText(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    // The parser's message quotes the text, which may be anything: it is not passed on.
    throw new StoreError({ what: 'is not valid JSON', where, hint: 'It is damaged; make it again.' });
  }
}
