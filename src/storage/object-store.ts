/** The interface to persistent storage, for S3-compatible servers and the local file system. */
import type { Readable } from 'node:stream';

export interface ObjectInfo {
  key: string;
  bytes: number;
  /** Opaque version of the content; it changes when the content changes. */
  etag: string;
  /** Milliseconds since the Unix epoch. */
  modifiedMs: number;
}

/** Offsets of the first and the last byte, both inclusive. */
export interface ByteRange {
  first: number;
  last: number;
}

/**
 * Conditions of a put. If one does not hold, the put throws {@link PreconditionFailedError} and
 * changes nothing.
 */
export interface PutOptions {
  /** Put only if no object has this key. */
  ifAbsent?: boolean;
  /** Put only if the object's etag is this one. */
  ifMatch?: string;
  contentType?: string;
}

/** The content to store: bytes in memory, a stream of any length, or a local file. */
export type PutBody = Uint8Array | Readable | { file: string };

/**
 * A flat store of objects under slash-separated keys. By convention, objects are not changed after
 * they are written. A put is atomic: readers see either the old or the new object. Every method
 * throws StoreUnavailableError for a transient failure and StoreError for a permanent one.
 */
export interface ObjectStore {
  /** Address of the store, `s3://bucket/prefix/` or `file:///folder/`; keys are relative to it. */
  readonly uri: string;
  /** @throws StoreError if there is no such object. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>;
  /**
   * Streams the object in constant memory.
   *
   * @throws StoreError if there is no such object.
   */
  getStream(key: string, range?: ByteRange): Promise<Readable>;
  /** Large bodies are sent as multipart uploads. */
  put(key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo>;
  /** @returns null if there is no such object. */
  head(key: string): Promise<ObjectInfo | null>;
  /** Objects whose keys start with `prefix`, in ascending order of keys. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo>;
  /** Deleting an object that does not exist is no error. */
  delete(key: string): Promise<void>;
  /**
   * Removes what puts under a prefix have left whose processes were killed.
   *
   * @param isAbandoned whether nobody puts this key any more
   */
  abortUploads(prefix: string, isAbandoned: (key: string) => boolean): Promise<void>;
}
