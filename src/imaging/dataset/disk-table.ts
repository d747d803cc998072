/** A table of texts in a file, which takes some 30 bytes of memory for each of them. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { hashText } from '../split/first-by-key.js';

const PENDING_BYTES = 2 ** 20;
/** Part of the slots that may be taken. */
const MOST_TAKEN = 0.7;

/** The slots of an open-addressing table, by hash. */
class Slots {
  readonly count: number;
  readonly hashes: Uint32Array;
  /** Where each record is, plus one; 0 for an empty slot. */
  readonly places: Float64Array;
  readonly lengths: Uint32Array;

  constructor(count: number) {
    this.count = count;
    this.hashes = new Uint32Array(count);
    this.places = new Float64Array(count);
    this.lengths = new Uint32Array(count);
  }

  set(slot: number, hash: number, place: number, length: number): void {
    this.hashes[slot] = hash;
    this.places[slot] = place;
    this.lengths[slot] = length;
  }
}

export class DiskTable {
  readonly #file: number;
  #slots = new Slots(1024);
  #taken = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #written = 0;

  /** @param file does not exist yet; the caller removes it */
  constructor(file: string) {
    this.#file = openSync(file, 'wx+');
  }

  close(): void {
    closeSync(this.#file);
  }

  /** @param key without NUL. The newest value of a key counts. */
  set(key: string, value: string): void {
    if (this.#taken >= MOST_TAKEN * this.#slots.count) this.#grow();
    const record = Buffer.from(`${key}\0${value}`);
    const hash = hashText(key);
    const slot = this.#slotOf(key, hash);
    if (this.#slots.places[slot] === 0) this.#taken++;
    this.#slots.set(slot, hash, this.#written + this.#pendingBytes + 1, record.length);
    this.#pending.push(record);
    this.#pendingBytes += record.length;
    if (this.#pendingBytes >= PENDING_BYTES) this.#flush();
  }

  get(key: string): string | undefined {
    const slot = this.#slotOf(key, hashText(key));
    return this.#slots.places[slot] === 0 ? undefined : this.#recordAt(slot).slice(key.length + 1);
  }

  /** The slot of a key, or the empty one in which it belongs. */
  #slotOf(key: string, hash: number): number {
    const { count, hashes, places } = this.#slots;
    let slot = hash % count;
    while (places[slot] !== 0 && !(hashes[slot] === hash && this.#recordAt(slot).startsWith(`${key}\0`)))
      slot = (slot + 1) % count;
    return slot;
  }

  #recordAt(slot: number): string {
    if (this.#pendingBytes > 0) this.#flush();
    const record = Buffer.allocUnsafe(this.#slots.lengths[slot] as number);
    readSync(this.#file, record, 0, record.length, (this.#slots.places[slot] as number) - 1);
    return record.toString('utf8');
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending);
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#written + done);
    this.#written += bytes.length;
    [this.#pending, this.#pendingBytes] = [[], 0];
  }

  #grow(): void {
    const old = this.#slots;
    const grown = new Slots(2 * old.count);
    for (const [at, place] of old.places.entries()) {
      if (place === 0) continue;
      const hash = old.hashes[at] as number;
      let slot = hash % grown.count;
      while (grown.places[slot] !== 0) slot = (slot + 1) % grown.count;
      grown.set(slot, hash, place, old.lengths[at] as number);
    }
    this.#slots = grown;
  }
}
