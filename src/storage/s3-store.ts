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
  type S3Client,
} from '@aws-sdk/client-s3';
import { environment } from '../core/environment.js';
import {
  PreconditionFailedError,
  StoreAccessError,
  StoreError,
  StoreUnavailableError,
} from '../core/errors.js';
import { classifyFileError } from './file-errors.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';
import { hostOf, makeClient } from './s3-client.js';
import {
  classifyS3Error,
  isNotFound,
  isPreconditionFailed,
  isRefusal,
  isUploadGone,
  missingBucket,
} from './s3-errors.js';
import {
  abortMultiparts,
  type PutConditions,
  type PutTarget,
  splitBody,
  uploadMultipart,
} from './s3-multipart.js';
import { checkKey, formatUri } from './uri.js';

export interface S3StoreOptions {
  /** Attempts of one request, with exponential backoff and jitter, before it fails. Default: 3. */
  attempts?: number;
  /** A connection that transfers no data for this long is closed. Default: 10,000 ms. */
  idleTimeoutMs?: number;
}

/**
 * Metadata key with a unique id of the put. It tells the retry of a put whose response was lost
 * that the existing object is its own.
 */
const PUT_ID = 'gist-put';

/**
 * Credentials, region and profile come from the standard AWS environment variables and files. If
 * AWS_ENDPOINT_URL is set, requests use path-style addresses. Every upload has a SHA-256 checksum,
 * which the server verifies. Lists have the order of the server: ascending by the bytes of the
 * keys. Servers that store folders (SeaweedFS) sort folder by folder, so `a/1` comes before `a-b`.
 */
export class S3Store implements ObjectStore {
  readonly uri: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #makeClient: () => S3Client;
  readonly #attempts: number;
  readonly #endpoint: string;
  #current: S3Client | null = null;
  #bucketSeen = false;

  constructor(location: { bucket: string; prefix: string }, options: S3StoreOptions = {}) {
    this.uri = formatUri({ scheme: 's3', ...location });
    this.#bucket = location.bucket;
    this.#prefix = location.prefix;
    this.#attempts = options.attempts ?? 3;
    const endpoint = environment.s3Endpoint();
    this.#endpoint = endpoint === undefined ? 'Amazon S3' : hostOf(endpoint);
    const { idleTimeoutMs = 10_000 } = options;
    this.#makeClient = () => makeClient(endpoint, this.#attempts, idleTimeoutMs);
  }

  get #client(): S3Client {
    this.#current ??= this.#makeClient();
    return this.#current;
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    // The SDK retries requests, but not bodies that end early.
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
    const response = await this.#try(key, () =>
      this.#client.send(new GetObjectCommand({ ...this.#target(key), Range })),
    );
    if (!(response.Body instanceof Readable))
      throw new StoreUnavailableError({ what: 'the response has no body', where: key });
    return this.#checkedStream(response.Body, key, response.ContentLength);
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
    // Some servers (SeaweedFS) create a missing bucket instead of rejecting the request.
    await this.#requireBucket();
    try {
      const upload = () => this.#upload(target, conditions, body);
      // A stream cannot be sent twice.
      const { etag, bytes } = await (body instanceof Readable ? upload() : this.#request(upload));
      this.#bucketSeen = true;
      return { key, bytes, etag, modifiedMs: Date.now() };
    } catch (error) {
      const own = await this.#ownPut(key, putId, error);
      if (own) return own;
      if (options.ifMatch !== undefined && isNotFound(error) && !isUploadGone(error)) {
        throw new PreconditionFailedError({
          what: 'has been deleted by another writer',
          where: key,
          cause: error,
        });
      }
      throw this.#classify(error, key);
    }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    try {
      const response = await this.#try(key, () =>
        this.#client.send(new HeadObjectCommand(this.#target(key))),
      );
      return {
        key,
        bytes: response.ContentLength ?? 0,
        etag: response.ETag ?? '',
        modifiedMs: response.LastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (error instanceof StoreAccessError) await this.#explainRefusal(key);
      if (!(error instanceof StoreError) || !isNotFound(error.cause)) throw error;
      await this.#requireBucket();
      return null;
    }
  }

  /** The response to a HEAD request has no error code; that to a GET has. */
  async #explainRefusal(key: string): Promise<void> {
    const Range = 'bytes=0-0';
    const { Body } = await this.#try(key, () =>
      this.#client.send(new GetObjectCommand({ ...this.#target(key), Range })),
    );
    if (Body instanceof Readable) Body.destroy();
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
        // Some tools write empty objects as folder markers.
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

  async abortUploads(prefix: string, isAbandoned: (key: string) => boolean): Promise<void> {
    const target = { Bucket: this.#bucket, Prefix: `${this.#prefix}${prefix}` };
    await this.#try(prefix, () =>
      abortMultiparts(this.#client, target, (key) => isAbandoned(key.slice(this.#prefix.length))),
    );
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
    const source = splitBody(body);
    try {
      const first = await source.next();
      const second = await source.next();
      const Body = first.value ?? new Uint8Array();
      if (!second.done) {
        return await uploadMultipart(
          this.#client,
          target,
          conditions,
          concatenated([Body, second.value], source),
        );
      }
      const put = new PutObjectCommand({ ...target, ...conditions, Body, ChecksumAlgorithm: 'SHA256' });
      const done = await this.#client.send(put);
      return { etag: done.ETag ?? '', bytes: Body.byteLength };
    } finally {
      // Closes the stream or file even if the upload fails before the end of the body.
      await source.return(undefined);
    }
  }

  /**
   * After a failed precondition or a NoSuchUpload error: the object, if this put wrote it in a
   * request whose response was lost. Otherwise null.
   */
  async #ownPut(key: string, putId: string, error: unknown): Promise<ObjectInfo | null> {
    if (!isPreconditionFailed(error) && !isUploadGone(error)) return null;
    const response = await this.#client.send(new HeadObjectCommand(this.#target(key))).catch(() => null);
    if (response?.Metadata?.[PUT_ID] !== putId) return null;
    return { key, bytes: response.ContentLength ?? 0, etag: response.ETag ?? '', modifiedMs: Date.now() };
  }

  /**
   * Checks once that the bucket exists: a HEAD response and some puts do not report a missing
   * bucket. Ignores other errors of the check, since the request that follows reports them with
   * more detail.
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

  /**
   * A client keeps the credentials that it has read. After a refusal it is dropped, so that the
   * next request reads the files again, which may have been renewed since; where the client was in
   * use before, at once.
   */
  async #request<T>(work: () => Promise<T>): Promise<T> {
    const used = this.#current;
    try {
      return await work();
    } catch (error) {
      if (used === null || !isRefusal(error)) throw error;
      if (this.#current === used) this.#current = null;
      return await work();
    }
  }

  #classify(error: unknown, where: string): unknown {
    if (isRefusal(error)) this.#current = null;
    return classifyS3Error(error, where, this.#bucket, this.#endpoint);
  }

  async #try<T>(where: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await this.#request(work);
      this.#bucketSeen = true;
      return result;
    } catch (error) {
      throw this.#classify(error, where);
    }
  }

  /** Forwards a body. Throws StoreUnavailableError if it ends before the expected length. */
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
          what: `the response ended after ${bytes} of ${expected} bytes`,
          where: key,
        });
      }
    }
    return Readable.from(chunks(), { objectMode: false });
  }
}

async function* concatenated(
  head: Uint8Array[],
  tail: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* tail;
}
