/**
 * Ownership of a training: the right to change its list of checkpoints, by conditional puts only.
 */
import { randomUUID } from 'node:crypto';
import { type CheckpointLostError, PreconditionFailedError, StaleAttemptError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { CheckpointRef } from '../spec/results.js';
import { putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointList, type ListEntry, listKey } from './list.js';
import { newestManifest, lostCheckpoints, readList, readStoredList, resumable, type Warn } from './reader.js';
import type { SpooledTraining } from './spool.js';

/** Every claim names the training. */
type OwnedList = CheckpointList & { training: string };

/** A claim as it is sent between threads. */
export interface HandedOver {
  list: OwnedList;
  etag: string;
}

export interface ClaimOptions {
  /** Increases from attempt to attempt of a run (equal is allowed: a manual rerun). */
  attempt: number;
  /** The newest checkpoint that the run knows of. */
  expected: CheckpointRef | null;
  /** Trainings of this run with an intact state on this disk, the newest first. Default: none. */
  onDisk?: () => Promise<SpooledTraining[]>;
  warn: Warn;
}

/**
 * The right to add checkpoints to a training. A claim is a conditional put on the list, and so is
 * every commit; each commit's condition is the etag of this owner's previous write. A later claim
 * changes the etag, so that from then on no commit of an earlier owner can succeed: there is no gap
 * between a check and a write.
 */
export class Ownership {
  private constructor(
    private readonly store: ObjectStore,
    private readonly runPrefix: string,
    private current: OwnedList,
    private etag: string,
  ) {}

  /**
   * A lost list is rebuilt in the same write that claims: after a claim with an empty list, an end
   * before the first commit would make the next attempt start from scratch. Where nothing usable is
   * left of a training that had checkpoints, neither in the store nor on this disk, nothing is
   * written: a list that was rebuilt from what is there would hide what is put back later.
   *
   * @throws StaleAttemptError when a later attempt owns the training already; CheckpointLostError;
   *   NewerVersionError
   */
  static async claim(
    store: ObjectStore,
    runPrefix: string,
    { attempt, expected, onDisk, warn }: ClaimOptions,
  ): Promise<Ownership> {
    const nonce = randomUUID();
    let next: OwnedList | null = null;
    for (;;) {
      const { list, etag, checkpoints } = await readList(store, runPrefix, warn);
      if (next && etag && list?.owner.nonce === nonce) return new Ownership(store, runPrefix, next, etag);
      if (list && list.owner.attempt > attempt) throw stale(runPrefix);
      // The claims in a lost list are unknown; all of them are smaller than the time.
      const isLost = !list && (etag !== null || checkpoints.length > 0);
      const isKnown = expected !== null || isLost || checkpoints.length > 0;
      const spooled = isKnown && resumable(checkpoints).length === 0 ? ((await onDisk?.()) ?? []) : null;
      const known = list?.training ?? (await newestManifest(store, checkpoints))?.training;
      const training = known ?? spooled?.[0]?.training ?? randomUUID();
      if (spooled && !spooled.some((one) => one.training === training))
        throw nothingLeft(runPrefix, expected, checkpoints);
      next = {
        version: 1,
        training,
        owner: { claim: (list?.owner.claim ?? (isLost ? Date.now() : 0)) + 1, attempt, nonce },
        writeId: randomUUID(),
        checkpoints,
      };
      const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
      try {
        const info = await putJson(store, listKey(runPrefix), next, condition);
        log.info('training claimed', { claim: next.owner.claim, attempt });
        return new Ownership(store, runPrefix, next, info.etag);
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  /** Hands the claim to another thread of this process; this object must not be used any more. */
  handOver(): HandedOver {
    return { list: this.current, etag: this.etag };
  }

  static takeOver(store: ObjectStore, runPrefix: string, { list, etag }: HandedOver): Ownership {
    return new Ownership(store, runPrefix, list, etag);
  }

  get training(): string {
    return this.current.training;
  }

  get claim(): number {
    return this.current.owner.claim;
  }

  get checkpoints(): readonly ListEntry[] {
    return this.current.checkpoints;
  }

  /**
   * Replaces the list of checkpoints: the moment from which they count.
   *
   * @throws StaleAttemptError
   */
  async commit(checkpoints: ListEntry[]): Promise<void> {
    const next: OwnedList = { ...this.current, writeId: randomUUID(), checkpoints };
    for (;;) {
      try {
        const info = await putJson(this.store, listKey(this.runPrefix), next, { ifMatch: this.etag });
        this.current = next;
        this.etag = info.etag;
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
        await this.recognize(next);
        if (this.current === next) return;
      }
    }
  }

  /** @throws StaleAttemptError when somebody else has claimed the training since. */
  async assertOwner(): Promise<void> {
    const { list } = await readStoredList(this.store, this.runPrefix);
    if (list?.owner.nonce !== this.current.owner.nonce) throw stale(this.runPrefix);
  }

  /** A failed condition is either another owner, or a write of our own whose reply was lost. */
  private async recognize(attempted: OwnedList): Promise<void> {
    const { list, etag } = await readStoredList(this.store, this.runPrefix);
    if (!list || !etag || list.owner.nonce !== this.current.owner.nonce) throw stale(this.runPrefix);
    this.etag = etag;
    if (list.writeId === attempted.writeId) this.current = attempted;
  }
}

function nothingLeft(
  runPrefix: string,
  expected: CheckpointRef | null,
  checkpoints: readonly ListEntry[],
): CheckpointLostError {
  const known = expected ?? checkpoints.at(-1);
  return lostCheckpoints(
    known
      ? `the training had a checkpoint at ${known.kimg} kimg, and none that it can resume from is left`
      : 'the list of checkpoints is damaged, and no checkpoint is left beside it',
    known?.prefix ?? listKey(runPrefix),
  );
}

function stale(runPrefix: string): StaleAttemptError {
  return new StaleAttemptError({
    what: 'a later attempt owns this training; this one stops and writes nothing more',
    where: listKey(runPrefix),
    hint: 'No action is needed: the later attempt resumes from the newest checkpoint.',
  });
}
