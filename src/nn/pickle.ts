/** Python's pickle format, read by an interpreter that builds plain values and executes nothing. */
import { CheckpointError } from '../core/errors.js';

/** A name that a pickle imports; only names on the caller's list come into being. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** What calling it gives; null: it may be named, not called. */
    readonly call: ((args: unknown[]) => unknown) | null,
  ) {}
}

export interface PickleRules {
  /** Of the file, for errors. */
  name: string;
  /** The only importable names, as `module name`, and what each does when called. */
  globals: Record<string, ((args: unknown[]) => unknown) | null>;
  /** Resolves a persistent id; without it they are refused. */
  persistent?: (id: unknown) => unknown;
}

/** Values of the stack, marks, memo entries: each at most this many. */
const MAX_STACK = 1_000_000;
const MAX_MARKS = 1_000;
const MAX_MEMO = 1_000_000;
const MAX_TEXT_BYTES = 1_000_000;

/**
 * Reads one pickle of protocol 2, as PyTorch writes them. Dictionaries become Maps, lists and tuples arrays. Attributes that a
 * pickle sets on a dictionary are dropped.
 *
 * @returns the value, and the position after it.
 * @throws CheckpointError for anything that is not on the list of names, an unknown instruction, or sizes beyond all need.
 */
export function unpickle(
  bytes: Uint8Array,
  offset: number,
  rules: PickleRules,
): { value: unknown; end: number } {
  return new Unpickler(bytes, offset, rules).run();
}

class Unpickler {
  private readonly view: DataView;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  /** Those of PyTorch's state dicts; pickletools in Python's library documents each by the name given here. */
  private readonly instructions = new Map<number, () => void>([
    [0x80, () => this.protocol()], // PROTO
    [0x28, () => this.mark()], // MARK
    [0x4e, () => this.push(null)], // NONE
    [0x88, () => this.push(true)], // NEWTRUE
    [0x89, () => this.push(false)], // NEWFALSE
    [0x4b, () => this.push(this.byte())], // BININT1
    [0x4d, () => this.push(this.view.getUint16(this.take(2), true))], // BININT2
    [0x4a, () => this.push(this.view.getInt32(this.take(4), true))], // BININT
    [0x8a, () => this.push(this.long(this.byte()))], // LONG1
    [0x47, () => this.push(this.view.getFloat64(this.take(8), false))], // BINFLOAT
    [0x58, () => this.push(this.text(this.uint32()))], // BINUNICODE
    [0x7d, () => this.push(new Map<unknown, unknown>())], // EMPTY_DICT
    [0x5d, () => this.push([])], // EMPTY_LIST
    [0x29, () => this.push([])], // EMPTY_TUPLE
    [0x85, () => this.push(this.popMany(1))], // TUPLE1
    [0x86, () => this.push(this.popMany(2))], // TUPLE2
    [0x87, () => this.push(this.popMany(3))], // TUPLE3
    [0x74, () => this.push(this.popToMark())], // TUPLE
    [0x61, () => this.append(this.popMany(1))], // APPEND
    [0x65, () => this.append(this.popToMark())], // APPENDS
    [0x73, () => this.setItems(this.popMany(2))], // SETITEM
    [0x75, () => this.setItems(this.popToMark())], // SETITEMS
    [0x71, () => this.put(this.byte())], // BINPUT
    [0x72, () => this.put(this.uint32())], // LONG_BINPUT
    [0x68, () => this.get(this.byte())], // BINGET
    [0x6a, () => this.get(this.uint32())], // LONG_BINGET
    [0x63, () => this.push(this.global(`${this.line()} ${this.line()}`))], // GLOBAL
    [0x52, () => this.reduce()], // REDUCE
    [0x62, () => this.build()], // BUILD
    [0x51, () => this.push(this.persistent(this.pop()))], // BINPERSID
  ]);

  constructor(
    private readonly bytes: Uint8Array,
    private position: number,
    private readonly rules: PickleRules,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const code = this.byte();
      if (code === 0x2e) return { value: this.last(), end: this.position };
      this.step(code);
      if (this.stack.length > MAX_STACK) this.refuse('its stack grows beyond all need');
    }
  }

  /** The value of the whole: all that is left. */
  private last(): unknown {
    if (this.marks.length > 0 || this.stack.length !== 1)
      this.refuse('ends with more or less than one value');
    return this.pop();
  }

  private step(code: number): void {
    const instruction = this.instructions.get(code);
    if (!instruction) {
      const hex = `0x${code.toString(16).padStart(2, '0')}`;
      this.refuse(`uses the pickle instruction ${hex}, which no state dict needs`);
    }
    instruction();
  }

  private protocol(): void {
    if (this.byte() !== 2) this.refuse('is written in another pickle protocol than 2');
  }

  private mark(): void {
    if (this.marks.push(this.stack.length) > MAX_MARKS) this.refuse('is nested too deeply');
  }

  /** Attributes of dictionaries are dropped; nothing else may have any. */
  private build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) this.refuse('sets attributes of something that is no dictionary');
  }

  private persistent(id: unknown): unknown {
    if (!this.rules.persistent) this.refuse('speaks of things outside of the file');
    return this.rules.persistent(id);
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
      this.refuse('calls something that is no function');
    if (!callee.call) this.refuse(`calls ${callee.name}, which may only be named`);
    this.push(callee.call(args));
  }

  private global(name: string): PickleGlobal {
    if (!Object.hasOwn(this.rules.globals, name))
      this.refuse(`asks for "${name.slice(0, 120)}", which is not allowed`);
    return new PickleGlobal(name, this.rules.globals[name] ?? null);
  }

  private append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.refuse('appends to something that is no list');
    for (const item of items) list.push(item);
  }

  private setItems(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      this.refuse('sets items of something that is no dictionary');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== 'string' && typeof key !== 'number')
        this.refuse('has a dictionary key that is no text or number');
      target.set(key, items[i + 1]);
    }
  }

  private put(index: number): void {
    if (this.memo.size >= MAX_MEMO) this.refuse('remembers more than it could need');
    this.memo.set(index, this.top());
  }

  private get(index: number): void {
    if (!this.memo.has(index)) this.refuse('recalls what it never remembered');
    this.push(this.memo.get(index));
  }

  private push(value: unknown): void {
    this.stack.push(value);
  }

  private top(): unknown {
    if (this.stack.length <= this.floor()) this.refuse('takes from an empty stack');
    return this.stack.at(-1);
  }

  private pop(): unknown {
    const value = this.top();
    this.stack.length--;
    return value;
  }

  private popMany(count: number): unknown[] {
    if (this.stack.length - this.floor() < count) this.refuse('takes from an empty stack');
    return this.stack.splice(this.stack.length - count);
  }

  private popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) this.refuse('goes back to a mark that was never made');
    return this.stack.splice(mark);
  }

  /** What lies under the newest mark is out of reach. */
  private floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  private byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  /** Moves on by a number of bytes and returns where they begin. */
  private take(count: number): number {
    const first = this.position;
    if (count > this.bytes.byteLength - first) this.refuse('ends in the middle');
    this.position += count;
    return first;
  }

  private text(length: number): string {
    if (length > MAX_TEXT_BYTES) this.refuse('has a text that is too long');
    const first = this.take(length);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + first, length).toString('utf8');
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) this.refuse('ends in the middle');
    const line = this.text(end - this.position);
    this.position++;
    return line;
  }

  /** Two's complement, little-endian; magic numbers are the only ones beyond 2^53, and those only need to compare. */
  private long(length: number): number | bigint {
    const first = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[first + i] as number);
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  private refuse(what: string): never {
    throw new CheckpointError({
      what,
      where: this.rules.name,
      mend: 'The file is damaged or is not a plain PyTorch state dict; get it again from its publisher.',
    });
  }
}
