/** The object store on an S3-compatible server. */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { environment } from '../core/environment.js';
import { PreconditionFailedError, StoreError, StoreUnavailableError } from '../core/errors.js';
import { classifyFileError } from './file-errors.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';
import {
  classifyS3Error,
  isNotFound,
  isPreconditionFailed,
  isUploadGone,
  missingBucket,
} from './s3-errors.js';
import { type PutConditions, type PutTarget, pieces, uploadMultipart } from './s3-multipart.js';
import { checkKey, formatUri } from './uri.js';

export interface S3StoreOptions {
  /** Tries of one request before the trouble is reported; waits in between grow and are random. Default 3. */
  attempts?: number;
  /** A connection that carries no byte for so long counts as broken. Default 10,000 ms. */
  silenceMs?: number;
}

/** Who wrote an object, so that a put whose answer got lost is not taken for somebody else's when it is tried again. */
const PUT_ID = 'gist-put';

/**
 * Credentials, region and profile come from the standard AWS environment; with AWS_ENDPOINT_URL set, buckets are part of the
 * path. Every upload carries its SHA-256, which the server checks. Lists come in the server's order: ascending by the bytes of the
 * keys, except that servers which keep folders (SeaweedFS) compare folder by folder, so that `a/1` comes before `a-b`.
 */
export class S3Store implements ObjectStore {
  readonly uri: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #attempts: number;
  readonly #endpoint: string;
  #bucketSeen = false;

  constructor(location: { bucket: string; prefix: string }, options: S3StoreOptions = {}) {
    this.uri = formatUri({ scheme: 's3', ...location });
    this.#bucket = location.bucket;
    this.#prefix = location.prefix;
    this.#attempts = options.attempts ?? 3;
    const endpoint = environment.s3Endpoint();
    this.#endpoint = endpoint === undefined ? 'Amazon S3' : hostOf(endpoint);
    this.#client = makeClient(endpoint, this.#attempts, options.silenceMs ?? 10_000);
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    // The SDK tries requests again, but not bodies that break off.
    for (let attempt = 1; ; attempt++) {
      try {
        const chunks: Uint8Array[] = [];
        for await (const chunk of await this.getStream(key, range)) chunks.push(chunk as Uint8Array);
        return Buffer.concat(chunks);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || attempt >= this.#attempts) throw error;
        await sleep(200 * 2 ** attempt * Math.random());
      }
    }
  }

  async getStream(key: string, range?: ByteRange): Promise<Readable> {
    const Range = range && `bytes=${range.first}-${range.last}`;
    const answer = await this.#try(key, () =>
      this.#client.send(new GetObjectCommand({ ...this.#target(key), Range })),
    );
    if (!(answer.Body instanceof Readable))
      throw new StoreUnavailableError({ what: 'came without a body', where: key });
    return this.#checkedStream(answer.Body, key, answer.ContentLength);
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<ObjectInfo> {
    const putId = randomUUID();
    const target: PutTarget = {
      ...this.#target(key),
      ContentType: options.contentType,
      Metadata: { [PUT_ID]: putId },
    };
    const conditions: PutConditions = {
      IfNoneMatch: options.ifAbsent ? '*' : undefined,
      IfMatch: options.ifMatch,
    };
    // Some servers (SeaweedFS) make a bucket whose name was misspelt instead of refusing it.
    await this.#requireBucket();
    try {
      const { etag, bytes } = await this.#upload(target, conditions, body);
      this.#bucketSeen = true;
      return { key, bytes, etag, modifiedMs: Date.now() };
    } catch (error) {
      const own = await this.#ownPut(key, putId, error);
      if (own) return own;
      if (options.ifMatch !== undefined && isNotFound(error) && !isUploadGone(error)) {
        throw new PreconditionFailedError({
          what: 'has been deleted by somebody else',
          where: key,
          cause: error,
        });
      }
      throw this.#classify(error, key);
    }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    try {
      const answer = await this.#try(key, () => this.#client.send(new HeadObjectCommand(this.#target(key))));
      return {
        key,
        bytes: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        modifiedMs: answer.LastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (!(error instanceof StoreError) || !isNotFound(error.cause)) throw error;
      await this.#requireBucket();
      return null;
    }
  }

  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncIterable<ObjectInfo> {
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#try(prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${this.#prefix}${prefix}`,
            StartAfter: options.startAfter === undefined ? undefined : `${this.#prefix}${options.startAfter}`,
            ContinuationToken,
          }),
        ),
      );
      for (const item of page.Contents ?? []) {
        const key = (item.Key ?? '').slice(this.#prefix.length);
        // Some tools mark folders by empty objects.
        if (key === '' || key.endsWith('/')) continue;
        yield {
          key,
          bytes: item.Size ?? 0,
          etag: item.ETag ?? '',
          modifiedMs: item.LastModified?.getTime() ?? 0,
        };
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async delete(key: string): Promise<void> {
    await this.#try(key, () => this.#client.send(new DeleteObjectCommand(this.#target(key))));
  }

  async #upload(
    target: PutTarget,
    conditions: PutConditions,
    body: PutBody,
  ): Promise<{ etag: string; bytes: number }> {
    if (!(body instanceof Uint8Array) && !(body instanceof Readable)) {
      await stat(body.file).catch((error: unknown) => {
        throw classifyFileError(error, body.file);
      });
    }
    const source = pieces(body);
    try {
      const first = await source.next();
      const second = await source.next();
      const Body = first.value ?? new Uint8Array();
      if (!second.done) {
        return await uploadMultipart(this.#client, target, conditions, resumed([Body, second.value], source));
      }
      const put = new PutObjectCommand({ ...target, ...conditions, Body, ChecksumAlgorithm: 'SHA256' });
      const done = await this.#client.send(put);
      return { etag: done.ETag ?? '', bytes: Body.byteLength };
    } finally {
      // Closes the stream or file also when the upload failed before reading all of it.
      await source.return(undefined);
    }
  }

  /** After a refused condition, or an upload that the server has already put together: the object, if this very put wrote it in a request whose answer got lost. */
  async #ownPut(key: string, putId: string, error: unknown): Promise<ObjectInfo | null> {
    if (!isPreconditionFailed(error) && !isUploadGone(error)) return null;
    const answer = await this.#client.send(new HeadObjectCommand(this.#target(key))).catch(() => null);
    if (answer?.Metadata?.[PUT_ID] !== putId) return null;
    return { key, bytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '', modifiedMs: Date.now() };
  }

  /**
   * Neither a HEAD answer nor every put says that the bucket is missing, so it is asked for once. Whoever may not ask, or gets no
   * answer, learns more from the request that follows.
   */
  async #requireBucket(): Promise<void> {
    if (this.#bucketSeen) return;
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
      this.#bucketSeen = true;
    } catch (error) {
      if (isNotFound(error)) throw missingBucket(this.#bucket, this.#endpoint, error);
    }
  }

  #target(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  #classify(error: unknown, where: string): unknown {
    return classifyS3Error(error, where, this.#bucket, this.#endpoint);
  }

  async #try<T>(where: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#bucketSeen = true;
      return result;
    } catch (error) {
      throw this.#classify(error, where);
    }
  }

  /** Passes a body on; one that is cut short is trouble that may pass, never a short object. */
  #checkedStream(body: Readable, key: string, expected: number | undefined): Readable {
    const classify = (error: unknown) => this.#classify(error, key);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      try {
        for await (const chunk of body) {
          bytes += (chunk as Uint8Array).byteLength;
          yield chunk as Uint8Array;
        }
      } catch (error) {
        throw classify(error);
      }
      if (expected !== undefined && bytes !== expected) {
        throw new StoreUnavailableError({
          what: `broke off after ${bytes} of ${expected} bytes`,
          where: key,
        });
      }
    }
    return Readable.from(chunks(), { objectMode: false });
  }
}

async function* resumed(head: Uint8Array[], tail: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* tail;
}

function makeClient(endpoint: string | undefined, maxAttempts: number, silenceMs: number): S3Client {
  // The SDK announces its own Node.js support plans on the user's terminal unless told not to.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return new S3Client({
    endpoint,
    region: environment.s3Region(),
    forcePathStyle: endpoint !== undefined,
    maxAttempts,
    followRegionRedirects: true,
    requestHandler: {
      connectionTimeout: Math.min(silenceMs, 5_000),
      socketTimeout: silenceMs,
      // Bounds what a trickle of bytes could draw out: time until the answer begins.
      requestTimeout: 12 * silenceMs,
      throwOnRequestTimeout: true,
    },
  });
}

/** Host and port only: an address may hold a password. @throws StoreError when it is no address. */
function hostOf(endpoint: string): string {
  try {
    const { protocol, host } = new URL(endpoint);
    if (['http:', 'https:'].includes(protocol) && host !== '') return host;
  } catch {
    // Told below, as for an address of another kind.
  }
  throw new StoreError({
    what: 'is not the address of an S3 server',
    where: 'AWS_ENDPOINT_URL',
    hint: 'Give http://host:port or https://host.',
  });
}
