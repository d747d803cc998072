/** SHA-256 digests of bytes, files and streams, and keys derived from content. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';

/** SHA-256 as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 and length of the bytes of a stream. */
export async function sha256OfStream(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** SHA-256 and length of a local file. */
export function sha256OfFile(file: string): Promise<{ sha256: string; bytes: number }> {
  return sha256OfStream(createReadStream(file, { highWaterMark: 1 << 18 }));
}

/** Forwards bytes unchanged and computes their digest. */
export class DigestingStream extends Transform {
  readonly #hash: Hash = createHash('sha256');
  #digest: string | undefined;
  bytes = 0;

  /** Hexadecimal digest of the forwarded bytes; call it after the stream has ended. */
  sha256(): string {
    this.#digest ??= this.#hash.digest('hex');
    return this.#digest;
  }

  override _transform(
    chunk: Uint8Array,
    _encoding: string,
    done: (error: null, chunk: Uint8Array) => void,
  ): void {
    this.#hash.update(chunk);
    this.bytes += chunk.byteLength;
    done(null, chunk);
  }
}

/**
 * Canonical JSON: keys are sorted, spaces and undefined members are omitted, so that equal values
 * have equal text.
 *
 * @throws TypeError for values without a JSON form (NaN, infinities, bigint, functions).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no JSON form`);
  const members = Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/**
 * Key of the output of a stage, derived from the stage, the version of its code, the digests of its
 * inputs and its section of the spec.
 *
 * @returns 32 hexadecimal digits (128 bits of SHA-256).
 */
export function contentKey(stage: string, version: number, inputs: readonly string[], spec: unknown): string {
  return sha256(canonicalJson({ stage, version, inputs, spec })).slice(0, 32);
}
