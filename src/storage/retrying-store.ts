/** An object store that waits out trouble which may pass, up to a limit. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';

export interface PatienceOptions {
  /** Trouble of one call may last this long; then its error is thrown. Default: half an hour. */
  limitMs?: number;
  /** First pause; each next one is twice as long, up to half a minute. Default: half a second. */
  firstPauseMs?: number;
  /** Called before each pause. */
  onTrouble?: (error: StoreUnavailableError) => void;
}

const LIMIT_MS = 30 * 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Repeats what fails with StoreUnavailableError. Bodies must be in memory or files (a stream cannot be sent twice). A
 * conditional put whose answer was lost may be refused when repeated: callers must recognise their own work.
 */
export class PatientStore implements ObjectStore {
  readonly uri: string;

  constructor(
    private readonly inner: ObjectStore,
    private readonly options: PatienceOptions = {},
  ) {
    this.uri = inner.uri;
  }

  get(key: string, range?: ByteRange): Promise<Uint8Array> {
    return this.waitOut(() => this.inner.get(key, range));
  }

  getStream(key: string, range?: ByteRange): Promise<Readable> {
    return this.waitOut(() => this.inner.getStream(key, range));
  }

  put(key: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo> {
    return this.waitOut(() => this.inner.put(key, body, options));
  }

  head(key: string): Promise<ObjectInfo | null> {
    return this.waitOut(() => this.inner.head(key));
  }

  async *list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo> {
    yield* await this.waitOut(async () => {
      const found: ObjectInfo[] = [];
      for await (const info of this.inner.list(prefix, options)) found.push(info);
      return found;
    });
  }

  delete(key: string): Promise<void> {
    return this.waitOut(() => this.inner.delete(key));
  }

  private async waitOut<T>(call: () => Promise<T>): Promise<T> {
    const { limitMs = LIMIT_MS, firstPauseMs = FIRST_PAUSE_MS, onTrouble } = this.options;
    const deadline = performance.now() + limitMs;
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || performance.now() + pause > deadline) throw error;
        log.warn('the object store is in trouble; waiting', { where: error.where, pauseMs: pause });
        onTrouble?.(error);
        await sleep(pause);
      }
    }
  }
}
