/** An object store that retries calls after transient failures, up to a time limit. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';

export interface RetryOptions {
  /** Retries of one call stop after this time, and its error is thrown. Default: 30 minutes. */
  limitMs?: number;
  /** Delay before the first retry; it doubles with each retry, up to 30 s. Default: 500 ms. */
  initialDelayMs?: number;
  /** Called before each delay. */
  onUnavailable?: (error: StoreUnavailableError) => void;
}

const LIMIT_MS = 30 * 60_000;
const INITIAL_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/**
 * Retries calls that fail with StoreUnavailableError. Bodies must be in memory or files: a stream
 * cannot be sent twice. If the response to a conditional put is lost, its retry may fail with
 * PreconditionFailedError: callers must recognize their own object.
 */
export class RetryingStore implements ObjectStore {
  readonly uri: string;

  constructor(
    private readonly inner: ObjectStore,
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

  async *list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo> {
    yield* await this.retry(async () => {
      const found: ObjectInfo[] = [];
      for await (const info of this.inner.list(prefix, options)) found.push(info);
      return found;
    });
  }

  delete(key: string): Promise<void> {
    return this.retry(() => this.inner.delete(key));
  }

  private async retry<T>(call: () => Promise<T>): Promise<T> {
    const { limitMs = LIMIT_MS, initialDelayMs = INITIAL_DELAY_MS, onUnavailable } = this.options;
    const deadline = performance.now() + limitMs;
    for (let delay = initialDelayMs; ; delay = Math.min(2 * delay, MAX_DELAY_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || performance.now() + delay > deadline) throw error;
        log.warn('the object store is unavailable; retrying', { where: error.where, delayMs: delay });
        onUnavailable?.(error);
        await sleep(delay);
      }
    }
  }
}
