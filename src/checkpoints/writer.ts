/** Writes checkpoints to the object store: committed in one step, thinned out when old. */
import {
  CheckpointLostError,
  GistError,
  PreconditionFailedError,
  StaleAttemptError,
} from '../core/errors.js';
import { log } from '../core/log.js';
import type { CheckpointRef } from '../spec/results.js';
import { sha256 } from '../storage/digest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { findValue } from './curve.js';
import { checkpointPrefix, LASTING_PARTS, type LoadedCheckpoint, MANIFEST } from './manifest.js';
import { type ListEntry, refOf } from './list.js';
import { type ClaimOptions, type HandedOver, Ownership } from './ownership.js';
import { type CheckpointDraft, putCheckpoint } from './put-checkpoint.js';
import { newestVerifiedOf, parseManifest, type Warn } from './reader.js';
import { expiredSnapshots, keepsAll, type SnapshotRule } from './retention.js';
import { sweepUnfinished } from './sweep.js';

interface WriterSettings {
  readonly runPrefix: string;
  readonly keepCheckpoints: number;
  /** Which older snapshots are kept; without a rule all are. */
  readonly keepSnapshots?: SnapshotRule;
}

/** A writer as it is sent between threads. */
export interface WriterHandedOver {
  settings: WriterSettings;
  entries: ListEntry[];
  ownership: HandedOver;
}

/** What an attempt starts with. */
export interface Opened {
  writer: CheckpointWriter;
  /**
   * The newest checkpoint that verifies. It is large: release it once it is restored. null: there
   * are none, or none verifies and this disk has a state to resume from.
   */
  newest: LoadedCheckpoint | null;
}

/** Writes the checkpoints of a training, for one attempt. */
export class CheckpointWriter {
  /** Metrics of snapshots by their step. */
  private readonly values = new Map<number, number>();

  private constructor(
    private readonly store: ObjectStore,
    private readonly ownership: Ownership,
    private readonly settings: WriterSettings,
    private entries: ListEntry[],
  ) {}

  /**
   * Claims the training, then reads its newest intact checkpoint: in this order no other attempt
   * can commit one in between.
   *
   * @throws StaleAttemptError when a later attempt owns the training; CheckpointLostError when it
   *   had checkpoints and none is intact, here or in the store; NewerVersionError
   */
  static async open(
    store: ObjectStore,
    runPrefix: string,
    options: ClaimOptions & Omit<WriterSettings, 'runPrefix'>,
  ): Promise<Opened> {
    const ownership = await Ownership.claim(store, runPrefix, options);
    const { newest, step } = await newestOf(store, ownership, options);
    warnOfMissing(newest?.ref ?? null, ownership.checkpoints, options);
    await sweepUnfinished(store, runPrefix, { claim: ownership.claim, listed: ownership.checkpoints });
    // Checkpoints newer than the one that training resumes from are damaged, and will be written
    // again.
    const entries = ownership.checkpoints.filter((entry) => entry.step <= step);
    const { keepCheckpoints, keepSnapshots } = options;
    const settings = { runPrefix, keepCheckpoints, ...(keepSnapshots && { keepSnapshots }) };
    const writer = new CheckpointWriter(store, ownership, settings, entries);
    return { writer, newest };
  }

  /** Everything that another thread needs to continue; this object must not be used any more. */
  handOver(): WriterHandedOver {
    const { settings, entries, ownership } = this;
    return { settings, entries, ownership: ownership.handOver() };
  }

  static takeOver(store: ObjectStore, { settings, entries, ownership }: WriterHandedOver): CheckpointWriter {
    const taken = Ownership.takeOver(store, settings.runPrefix, ownership);
    return new CheckpointWriter(store, taken, settings, entries);
  }

  get training(): string {
    return this.ownership.training;
  }

  get claim(): number {
    return this.ownership.claim;
  }

  /**
   * Writes parts, then the manifest, then the index entry: only the last makes the checkpoint
   * count, and it is refused when a later attempt has claimed the training. Older full states are
   * then thinned out. Safe to call again after a failure.
   *
   * @param parts by their names in PARTS
   * @throws StaleAttemptError
   */
  async write(draft: CheckpointDraft, parts: Record<string, Uint8Array>): Promise<CheckpointRef> {
    const prefix = checkpointPrefix(this.settings.runPrefix, draft);
    const state = { draft, parts, training: this.training, claim: this.claim };
    const entry = await putCheckpoint(this.store, prefix, state, (key, bytes) =>
      this.putManifest(key, bytes),
    );
    const entries = [...this.entries.filter((other) => other.prefix !== prefix), entry];
    const expired = await this.expiredAmong(entries);
    const { kept, thinned, dropped } = thinOut(entries, this.settings.keepCheckpoints, expired);
    await this.ownership.commit(kept);
    this.entries = kept;
    for (const old of thinned) await this.deleteExcept(old.prefix, LASTING_PARTS);
    for (const old of dropped) await this.deleteExcept(old.prefix, []);
    return refOf(entry);
  }

  /**
   * Publishes a file that always shows the state of the newest commit.
   *
   * @throws StaleAttemptError
   */
  async publish(name: string, body: Uint8Array): Promise<void> {
    const key = `${this.settings.runPrefix}${name}`;
    for (;;) {
      const before = await this.store.head(key);
      // Checked after the head: a later owner that publishes changes the etag that this put depends
      // on.
      await this.ownership.assertOwner();
      try {
        await this.store.put(key, body, before ? { ifMatch: before.etag } : { ifAbsent: true });
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  /** A manifest is replaced by one of a later claim only, in whichever order the two arrive. */
  private async putManifest(key: string, bytes: Uint8Array): Promise<void> {
    for (;;) {
      const before = await this.store.head(key);
      if (before) {
        const there = await this.store.get(key);
        if (sha256(there) === sha256(bytes)) return;
        // An unreadable manifest has no owner.
        if ((parseManifest(there)?.claim ?? 0) > this.claim)
          throw new StaleAttemptError({ what: 'a later attempt has written this checkpoint', where: key });
      }
      try {
        await this.store.put(key, bytes, {
          contentType: 'application/json',
          ...(before ? { ifMatch: before.etag } : { ifAbsent: true }),
        });
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  private async expiredAmong(entries: readonly ListEntry[]): Promise<ListEntry[]> {
    const { runPrefix, keepSnapshots: rule } = this.settings;
    if (!rule || keepsAll(rule)) return [];
    const snapshots = entries.filter(({ snapshot }) => snapshot).sort((a, b) => a.step - b.step);
    for (const { step } of snapshots) {
      if (this.values.has(step)) continue;
      // What is not known now is kept, and asked for again.
      const value = await findValue(this.store, runPrefix, { step, metric: rule.metric }).catch(() => null);
      if (value !== null) this.values.set(step, value);
    }
    return expiredSnapshots(snapshots, this.values, rule);
  }

  /** Objects that cannot be deleted now do no harm: nothing refers to them. */
  private async deleteExcept(prefix: string, keep: readonly string[]): Promise<void> {
    try {
      for await (const { key } of this.store.list(prefix)) {
        const file = key.slice(prefix.length);
        const name = file.replace(/\.claim\d+(?=\.)/, '');
        const lasts = keep.length > 0 && (name === MANIFEST || keep.includes(name));
        const isLater = Number(/\.claim(\d+)\./.exec(file)?.[1] ?? 0) > this.claim;
        if (!lasts && !isLater) await this.store.delete(key);
      }
    } catch (error) {
      if (!(error instanceof GistError)) throw error;
      log.warn('an old checkpoint could not be deleted', { prefix, error: error.name });
    }
  }
}

/** The newest checkpoint that verifies, and the step that the training resumes at. */
async function newestOf(
  store: ObjectStore,
  { checkpoints, training }: Ownership,
  { onDisk, warn }: ClaimOptions,
): Promise<{ newest: LoadedCheckpoint | null; step: number }> {
  try {
    const newest = await newestVerifiedOf(store, checkpoints, warn);
    return { newest, step: newest?.ref.step ?? 0 };
  } catch (error) {
    if (!(error instanceof CheckpointLostError)) throw error;
    const spooled = (await onDisk?.())?.find((one) => one.training === training);
    if (!spooled) throw error;
    return { newest: null, step: spooled.step };
  }
}

/** A list that was put back from a backup does not name the newest checkpoints. */
function warnOfMissing(
  newest: CheckpointRef | null,
  listed: readonly ListEntry[],
  { expected, warn }: { expected: CheckpointRef | null; warn: Warn },
): void {
  if (!expected || expected.step <= (newest?.step ?? 0)) return;
  if (listed.some(({ step }) => step === expected.step)) return;
  warn(`the checkpoint at ${expected.kimg} kimg, which the run knows of, is not in the list`);
}

/**
 * The newest `keep` stay complete; older snapshots that have not expired keep their lasting parts;
 * other older ones are deleted.
 */
function thinOut(
  entries: ListEntry[],
  keep: number,
  expired: readonly ListEntry[],
): { kept: ListEntry[]; thinned: ListEntry[]; dropped: ListEntry[] } {
  const sorted = [...entries].sort((a, b) => a.step - b.step);
  const old = sorted.slice(0, Math.max(0, sorted.length - keep));
  const dropped = old.filter((entry) => !entry.snapshot || expired.includes(entry));
  const thinned = old.filter((entry) => entry.full && !dropped.includes(entry));
  const kept = sorted
    .filter((entry) => !dropped.includes(entry))
    .map((entry) => (thinned.includes(entry) ? { ...entry, full: false } : entry));
  return { kept, thinned, dropped };
}
