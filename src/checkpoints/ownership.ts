/** Who owns a training, and which of its checkpoints count: one small object, changed by conditional puts only. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { PreconditionFailedError, StaleAttemptError, StoreError } from '../core/errors.js';
import { log } from '../core/log.js';
import { parseJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { entriesByListing, entrySchema, type IndexEntry } from './entry.js';

const indexSchema = z.object({
  version: z.literal(1),
  owner: z.object({ claim: z.int(), attempt: z.number(), nonce: z.string() }),
  /** Changes with every write, so that a writer whose answer got lost recognises its own work. */
  writeId: z.string(),
  checkpoints: z.array(entrySchema),
});
export type Index = z.output<typeof indexSchema>;

interface Read {
  index: Index | null;
  etag: string | null;
  /** The object is there but cannot be understood. */
  damaged: boolean;
}

export function indexKey(runPrefix: string): string {
  return `${runPrefix}checkpoints.json`;
}

/** The newest full checkpoint, not verified; null when there is none. */
export async function newestEntry(store: ObjectStore, runPrefix: string): Promise<IndexEntry | null> {
  const { checkpoints } = await readList(store, runPrefix, (message) => log.warn(message));
  const full = checkpoints.filter((entry) => entry.full);
  return full.sort((a, b) => b.step - a.step)[0] ?? null;
}

/**
 * The index, and the checkpoints that count: those that it lists. Where it is damaged or gone they are those that have a
 * manifest, and that is warned of; a training that nobody has claimed yet has neither.
 */
export async function readList(
  store: ObjectStore,
  runPrefix: string,
  warn: (message: string) => void,
): Promise<Read & { checkpoints: IndexEntry[] }> {
  const read = await readIndex(store, runPrefix);
  if (read.index) return { ...read, checkpoints: read.index.checkpoints };
  const checkpoints = await entriesByListing(store, runPrefix);
  if (read.damaged || checkpoints.length > 0) {
    const state = read.damaged ? 'damaged' : 'missing';
    warn(`the list of checkpoints is ${state}; found by their manifests: ${checkpoints.length}`);
  }
  return { ...read, checkpoints };
}

/** The index as it stands. Never throws for a damaged one. */
async function readIndex(store: ObjectStore, runPrefix: string): Promise<Read> {
  const key = indexKey(runPrefix);
  for (;;) {
    const before = await store.head(key);
    if (!before) return { index: null, etag: null, damaged: false };
    const bytes = await store.get(key);
    // The bytes are those of the etag only if nobody wrote in between.
    if ((await store.head(key))?.etag !== before.etag) continue;
    try {
      return { index: parseJson(bytes, key, indexSchema), etag: before.etag, damaged: false };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { index: null, etag: before.etag, damaged: true };
    }
  }
}

/** A claim on its way between threads. */
export interface HandedOver {
  index: Index;
  etag: string;
}

/**
 * The right to add checkpoints to a training. A claim is a conditional put on the index, and so is every commit; each
 * commit's condition is the etag of this owner's previous write. Whoever claims later changes the etag, so that from this
 * moment no commit of an earlier owner can succeed: there is no gap between a check and a write.
 */
export class Ownership {
  private constructor(
    private readonly store: ObjectStore,
    private readonly runPrefix: string,
    private current: Index,
    private etag: string,
  ) {}

  /**
   * A list that was lost is made anew in the very write that claims: were it claimed first, an end before the first commit
   * would leave an empty list behind, and the next attempt would start from nothing.
   *
   * @param attempt rises from attempt to attempt of a run (equal is allowed: a rerun by hand).
   * @throws StaleAttemptError when a later attempt owns the training already.
   */
  static async claim(
    store: ObjectStore,
    runPrefix: string,
    { attempt, warn }: { attempt: number; warn: (message: string) => void },
  ): Promise<Ownership> {
    const nonce = randomUUID();
    for (;;) {
      const { index, etag, checkpoints } = await readList(store, runPrefix, warn);
      if (index && etag && index.owner.nonce === nonce) return new Ownership(store, runPrefix, index, etag);
      if (index && index.owner.attempt > attempt) throw stale(runPrefix);
      // Claims that a lost list has seen are not known; none of them was as large as the time.
      const isLost = !index && (etag !== null || checkpoints.length > 0);
      const next: Index = {
        version: 1,
        owner: { claim: (index?.owner.claim ?? (isLost ? Date.now() : 0)) + 1, attempt, nonce },
        writeId: randomUUID(),
        checkpoints,
      };
      const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
      try {
        const info = await putJson(store, indexKey(runPrefix), next, condition);
        log.info('training claimed', { claim: next.owner.claim, attempt });
        return new Ownership(store, runPrefix, next, info.etag);
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  /** Hands the claim to another thread of this process; this object must not be used any more. */
  handOver(): HandedOver {
    return { index: this.current, etag: this.etag };
  }

  static takeOver(store: ObjectStore, runPrefix: string, { index, etag }: HandedOver): Ownership {
    return new Ownership(store, runPrefix, index, etag);
  }

  get claim(): number {
    return this.current.owner.claim;
  }

  get checkpoints(): readonly IndexEntry[] {
    return this.current.checkpoints;
  }

  /** Replaces the list of checkpoints: the moment from which they count. @throws StaleAttemptError */
  async commit(checkpoints: IndexEntry[]): Promise<void> {
    const next: Index = { ...this.current, writeId: randomUUID(), checkpoints };
    for (;;) {
      try {
        const info = await putJson(this.store, indexKey(this.runPrefix), next, { ifMatch: this.etag });
        this.current = next;
        this.etag = info.etag;
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
        await this.recognise(next);
        if (this.current === next) return;
      }
    }
  }

  /** @throws StaleAttemptError when somebody else has claimed the training since. */
  async assertOwner(): Promise<void> {
    const { index } = await readIndex(this.store, this.runPrefix);
    if (index?.owner.nonce !== this.current.owner.nonce) throw stale(this.runPrefix);
  }

  /** A refused condition is either another owner, or a write of our own whose answer was lost. */
  private async recognise(attempted: Index): Promise<void> {
    const { index, etag } = await readIndex(this.store, this.runPrefix);
    if (!index || !etag || index.owner.nonce !== this.current.owner.nonce) throw stale(this.runPrefix);
    this.etag = etag;
    if (index.writeId === attempted.writeId) this.current = attempted;
  }
}

function stale(runPrefix: string): StaleAttemptError {
  return new StaleAttemptError({
    what: 'a later attempt has taken this training over; this one stops and writes nothing more',
    where: indexKey(runPrefix),
    hint: 'Nothing is to be done: the later attempt goes on from the newest checkpoint.',
  });
}
