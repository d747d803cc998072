/**
 * Sets of objects with a manifest of checksums. A set is complete when its manifest, written last,
 * exists.
 */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { DigestingStream, sha256, sha256OfFile, sha256OfStream } from './digest.js';
import type { ObjectStore, PutBody } from './object-store.js';
import { joinKey } from './uri.js';

/** Entry of a manifest for one object of the set. */
export const partSchema = z.object({
  /** Key relative to the folder of the manifest. */
  key: z.string().min(1),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ManifestPart = z.output<typeof partSchema>;

/** Puts `<prefix><key>` and returns its manifest entry. */
export async function putPart(
  store: ObjectStore,
  prefix: string,
  key: string,
  body: PutBody,
): Promise<ManifestPart> {
  const target = joinKey(prefix, key);
  if (body instanceof Uint8Array) {
    await store.put(target, body);
    return { key, bytes: body.byteLength, sha256: sha256(body) };
  }
  if (!(body instanceof Readable)) {
    const digest = await sha256OfFile(body.file);
    await store.put(target, body);
    return { key, ...digest };
  }
  const digesting = new DigestingStream();
  body.once('error', (error) => digesting.destroy(error));
  await store.put(target, body.pipe(digesting));
  return { key, bytes: digesting.bytes, sha256: digesting.sha256() };
}

/**
 * Whether length and digest of a stored object match its manifest entry. Reads the whole object.
 */
export async function partVerifies(store: ObjectStore, prefix: string, part: ManifestPart): Promise<boolean> {
  const target = joinKey(prefix, part.key);
  const info = await store.head(target);
  if (!info || info.bytes !== part.bytes) return false;
  const digest = await sha256OfStream(await store.getStream(target));
  return digest.bytes === part.bytes && digest.sha256 === part.sha256;
}
