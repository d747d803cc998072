/** A place in a file's bytes that moves on with every value read, and never past their end. */
import { constants } from 'node:buffer';

/** Longest line: only names are written as lines. */
const MAX_LINE_BYTES = 1_000;

/** Little-endian, but for {@link ByteCursor.double}. */
export class ByteCursor {
  private readonly view: DataView;

  /** @param refuse throws the reader's own error, given what is wrong with the file */
  constructor(
    readonly bytes: Uint8Array,
    public position: number,
    private readonly refuse: (what: string) => never,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves on by a number of bytes and returns where they begin. */
  take(count: number): number {
    const first = this.position;
    if (count > this.bytes.byteLength - first) this.refuse('ends in the middle');
    this.position += count;
    return first;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** A size of 64 bits. */
  size(): number {
    const size = this.view.getBigUint64(this.take(8), true);
    if (size > BigInt(this.bytes.byteLength)) this.refuse('ends in the middle');
    return Number(size);
  }

  /** Big-endian, as pickles hold them. */
  double(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  /** A view of the next bytes. */
  readBytes(length: number): Uint8Array {
    const first = this.take(length);
    return this.bytes.subarray(first, first + length);
  }

  /** As long as the file allows: before protocol 3, pickles hold the bytes of tensors as texts. */
  string(length: number): string {
    const first = this.take(length);
    if (length > constants.MAX_STRING_LENGTH) this.refuse('has a text that is too long');
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + first, length).toString('utf8');
  }

  /** Up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) this.refuse('ends in the middle');
    if (end - this.position > MAX_LINE_BYTES) this.refuse('has a name that is too long');
    const line = this.string(end - this.position);
    this.position++;
    return line;
  }

  /** Two's complement, little-endian; a bigint only where a number is too small for it. */
  long(length: number): number | bigint {
    const first = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[first + i] as number);
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }
}
