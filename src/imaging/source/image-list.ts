/** Packs the images of a source into few bytes each, and sorts them by name. */
import { Column } from './column.js';
import type { SourceImage } from './image-source.js';

const CHUNK_BYTES = 2 ** 20;
/** Before each record: form of the identity, lengths of name and identity, size of the file. */
const HEADER_BYTES = 16;
/** Digests are most of an identity: their digits are packed two to a byte. */
const DIGEST = /^(.*?)((?:[0-9a-f]{32}){1,2})([^0-9a-f].*)?$/s;

/** What is around the digest of an identity; alike for most images of a source. */
interface Form {
  before: string;
  after: string;
}

export class ImageListWriter {
  readonly #chunks: Buffer[] = [];
  /** Where the record of each image begins: chunk, and offset within it. */
  #places = new Float64Array(1024);
  #end = CHUNK_BYTES;
  #length = 0;
  #isSorted = true;
  readonly #forms: Form[] = [];
  readonly #formNumbers = new Map<string, number>();

  get length(): number {
    return this.#length;
  }

  /** @param image without a frame */
  add({ name, bytes, identity }: SourceImage): void {
    const path = Buffer.from(name);
    const [, before = identity, digits = '', after = ''] = DIGEST.exec(identity) ?? [];
    const plain = digits === '' ? Buffer.from(identity) : Buffer.from(digits, 'hex');
    const form = this.#formOf(digits === '' ? null : { before, after });
    const start = this.#place(HEADER_BYTES + path.length + plain.length);
    const chunk = this.#chunks.at(-1) as Buffer;
    chunk.writeUInt32LE(form, start);
    chunk.writeUInt16LE(path.length, start + 4);
    chunk.writeUInt16LE(plain.length, start + 6);
    chunk.writeDoubleLE(bytes, start + 8);
    path.copy(chunk, start + HEADER_BYTES);
    plain.copy(chunk, start + HEADER_BYTES + path.length);
    this.#isSorted &&= this.#length < 2 || this.#compare(this.#length - 2, this.#length - 1) <= 0;
  }

  /** Number of a form, from 1; 0 for an identity without digest. */
  #formOf(form: Form | null): number {
    if (form === null) return 0;
    const key = `${form.before}\0${form.after}`;
    const known = this.#formNumbers.get(key) ?? this.#forms.push(form);
    this.#formNumbers.set(key, known);
    return known;
  }

  /** @returns where a record of this length begins in the last chunk */
  #place(bytes: number): number {
    if (this.#end + bytes > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes)));
      this.#end = 0;
    }
    if (this.#length === this.#places.length) {
      const places = new Float64Array(2 * this.#length);
      places.set(this.#places);
      this.#places = places;
    }
    const start = this.#end;
    this.#places[this.#length++] = (this.#chunks.length - 1) * CHUNK_BYTES + start;
    this.#end += bytes;
    return start;
  }

  #record(i: number): [Buffer, number] {
    const place = this.#places[i] as number;
    return [this.#chunks[Math.floor(place / CHUNK_BYTES)] as Buffer, place % CHUNK_BYTES];
  }

  /** Compares two names by their UTF-8 bytes. */
  #compare(a: number, b: number): number {
    const [[left, atLeft], [right, atRight]] = [this.#record(a), this.#record(b)];
    const [start, other] = [atLeft + HEADER_BYTES, atRight + HEADER_BYTES];
    const end = start + left.readUInt16LE(atLeft + 4);
    return left.compare(right, other, other + right.readUInt16LE(atRight + 4), start, end);
  }

  #imageAt(i: number): SourceImage {
    const [chunk, at] = this.#record(i);
    const nameEnd = at + HEADER_BYTES + chunk.readUInt16LE(at + 4);
    const end = nameEnd + chunk.readUInt16LE(at + 6);
    const form = this.#forms[chunk.readUInt32LE(at) - 1];
    const name = chunk.toString('utf8', at + HEADER_BYTES, nameEnd);
    const bytes = chunk.readDoubleLE(at + 8);
    const identity = form
      ? `${form.before}${chunk.toString('hex', nameEnd, end)}${form.after}`
      : chunk.toString('utf8', nameEnd, end);
    return { name, bytes, identity };
  }

  /** The images in ascending order of names, by UTF-8 bytes. Nothing may be added afterwards. */
  sorted(): Column<SourceImage> {
    if (this.#isSorted) return new Column(this.#length, (i) => this.#imageAt(i));
    const order = Uint32Array.from({ length: this.#length }, (_, i) => i);
    order.sort((a, b) => this.#compare(a, b));
    return new Column(this.#length, (i) => this.#imageAt(order[i] as number));
  }
}
