/** An object store that retries calls after failures that end by themselves, up to a time limit. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GistError, type StoreAccessError, StoreUnavailableError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';
import { endsByRenewal } from './s3-errors.js';

export interface RetryOptions {
  /** Retries of one call stop after this time, and its error is thrown. Default: 30 minutes. */
  limitMs?: number;
  /** Delay before the first retry; it doubles with each retry, up to 30 s. Default: 500 ms. */
  initialDelayMs?: number;
  /** Called before each delay. */
  onUnavailable?: (error: GistError) => void;
  /** Called when a call succeeds after retries. */
  onAvailable?: () => void;
}

const LIMIT_MS = 30 * 60_000;
const INITIAL_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/**
 * Retries calls that fail with StoreUnavailableError, or because credentials have expired or the
 * clock is wrong. Bodies must be in memory or files: a stream cannot be sent twice. If the response
 * to a conditional put is lost, its retry may fail with PreconditionFailedError: callers must
 * recognize their own object.
 */
export class RetryingStore implements ObjectStore {
  readonly uri: string;

  constructor(
    readonly inner: ObjectStore,
    private readonly options: RetryOptions = {},
  ) {
    this.uri = inner.uri;
  }

  get(key: string, range?: ByteRange): Promise<Uint8Array> {
    return this.retry(() => this.inner.get(key, range));
  }

  getStream(key: string, range?: ByteRange): Promise<Readable> {
    return this.retry(() => this.inner.getStream(key, range));
  }

  put(key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> {
    return this.retry(() => this.inner.put(key, body, options));
  }

  head(key: string): Promise<ObjectInfo | null> {
    return this.retry(() => this.inner.head(key));
  }

  /** Objects are yielded as they come: after a failure the listing resumes behind the last one. */
  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncIterable<ObjectInfo> {
    let { startAfter } = options;
    let pages = this.inner.list(prefix, { startAfter })[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.retry(
        () => pages.next(),
        () => {
          pages = this.inner.list(prefix, { startAfter })[Symbol.asyncIterator]();
        },
      );
      if (next.done) return;
      startAfter = next.value.key;
      yield next.value;
    }
  }

  delete(key: string): Promise<void> {
    return this.retry(() => this.inner.delete(key));
  }

  abortUploads(prefix: string, isAbandoned: (key: string) => boolean): Promise<void> {
    return this.retry(() => this.inner.abortUploads(prefix, isAbandoned));
  }

  private async retry<T>(call: () => Promise<T>, beforeRetry?: () => void): Promise<T> {
    const {
      limitMs = LIMIT_MS,
      initialDelayMs = INITIAL_DELAY_MS,
      onUnavailable,
      onAvailable,
    } = this.options;
    const deadline = performance.now() + limitMs;
    for (let delay = initialDelayMs; ; delay = Math.min(2 * delay, MAX_DELAY_MS)) {
      try {
        const result = await call();
        if (delay > initialDelayMs) onAvailable?.();
        return result;
      } catch (error) {
        if (!endsByItself(error) || performance.now() + delay > deadline) throw error;
        log.warn('the object store is unavailable; retrying', {
          reason: error.what,
          where: error.where,
          delayMs: delay,
        });
        onUnavailable?.(error);
        await sleep(delay);
        beforeRetry?.();
      }
    }
  }
}

/** For work that may be left out: each call is tried once. */
export function withoutRetries(store: ObjectStore): ObjectStore {
  return store instanceof RetryingStore ? store.inner : store;
}

function endsByItself(error: unknown): error is StoreUnavailableError | StoreAccessError {
  return error instanceof StoreUnavailableError || endsByRenewal(error);
}
