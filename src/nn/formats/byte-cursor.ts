/** Reads values from the bytes of a file, one after another, with bounds checks. */
import { constants } from 'node:buffer';

/** Maximum length of a line. Pickles only write names as lines. */
const MAX_LINE_BYTES = 1_000;

/** Values are little-endian, except {@link ByteCursor.double}. */
export class ByteCursor {
  private readonly view: DataView;

  /** @param refuse throws the error of the caller, given a description of the problem */
  constructor(
    readonly bytes: Uint8Array,
    public position: number,
    private readonly refuse: (what: string) => never,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Advances by a number of bytes and returns the offset of the first one. */
  take(count: number): number {
    const first = this.position;
    if (count > this.bytes.byteLength - first) this.refuse('is truncated');
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

  /** A 64-bit size. */
  size(): number {
    const size = this.view.getBigUint64(this.take(8), true);
    if (size > BigInt(this.bytes.byteLength)) this.refuse('is truncated');
    return Number(size);
  }

  /** A big-endian float64, as pickles store it. */
  double(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  /** A view of the next bytes. */
  readBytes(length: number): Uint8Array {
    const first = this.take(length);
    return this.bytes.subarray(first, first + length);
  }

  /**
   * A UTF-8 string of any length: pickles before protocol 3 store the bytes of tensors as strings.
   */
  string(length: number): string {
    const first = this.take(length);
    if (length > constants.MAX_STRING_LENGTH) this.refuse('has a string that is too long');
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + first, length).toString('utf8');
  }

  /** The string up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) this.refuse('is truncated');
    if (end - this.position > MAX_LINE_BYTES) this.refuse('has a name that is too long');
    const line = this.string(end - this.position);
    this.position++;
    return line;
  }

  /** A two's complement, little-endian integer; a bigint only if it is not a safe integer. */
  long(length: number): number | bigint {
    const first = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[first + i] as number);
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }
}
