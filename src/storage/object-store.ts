/** The one interface to bytes that last: S3-compatible servers and the local file system look alike behind it. */
import type { Readable } from 'node:stream';

export interface ObjectInfo {
  key: string;
  bytes: number;
  /** Opaque version of the content; changes when the content does. */
  etag: string;
  /** Milliseconds since 1970. */
  modifiedMs: number;
}

/** First and last byte, both inclusive. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Put only if the condition holds; otherwise {@link PreconditionFailedError} and nothing changes. */
export interface PutOptions {
  /** Only when no object has this key. */
  ifAbsent?: boolean;
  /** Only when the object's etag still is this one. */
  ifMatch?: string;
  contentType?: string;
}

/** What may be stored: bytes in memory, a stream of any length, or a local file. */
export type PutBody = Uint8Array | Readable | { file: string };

/**
 * A flat store of immutable-by-habit objects under slash-separated keys. A put is atomic: readers see the whole old or the
 * whole new object. Every method throws StoreUnavailableError for trouble that may pass, StoreError for what will not.
 */
export interface ObjectStore {
  /** Address of the store, `s3://bucket/prefix/` or `file:///folder/`; keys are relative to it. */
  readonly uri: string;
  /** @throws StoreError when there is no such object. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>;
  /** A stream of the object; memory stays flat however large it is. @throws StoreError when there is no such object. */
  getStream(key: string, range?: ByteRange): Promise<Readable>;
  /** Multipart where the body is large. */
  put(key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo>;
  /** null when there is no such object. */
  head(key: string): Promise<ObjectInfo | null>;
  /** Keys that begin with `prefix`, in ascending order. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
}
