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
    switch (code) {
      case 0x80: // PROTO
        if (this.byte() !== 2) this.refuse('is written in another pickle protocol than 2');
        return;
      case 0x28: // MARK
        if (this.marks.push(this.stack.length) > MAX_MARKS) this.refuse('is nested too deeply');
        return;
      case 0x4e: // NONE
        return this.push(null);
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case 0x4b: // BININT1
        return this.push(this.byte());
      case 0x4d: // BININT2
        return this.push(this.view.getUint16(this.take(2), true));
      case 0x4a: // BININT
        return this.push(this.view.getInt32(this.take(4), true));
      case 0x8a: // LONG1
        return this.push(this.long(this.byte()));
      case 0x47: // BINFLOAT
        return this.push(this.view.getFloat64(this.take(8), false));
      case 0x58: // BINUNICODE
        return this.push(this.text(this.view.getUint32(this.take(4), true)));
      default:
        this.structure(code);
    }
  }

  private structure(code: number): void {
    switch (code) {
      case 0x7d: // EMPTY_DICT
        return this.push(new Map<unknown, unknown>());
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return this.push([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.push(this.popMany(code - 0x84));
      case 0x74: // TUPLE
        return this.push(this.popToMark());
      case 0x61: // APPEND
        return this.append([this.pop()]);
      case 0x65: // APPENDS
        return this.append(this.popToMark());
      case 0x73: // SETITEM
        return this.setItems(this.popMany(2));
      case 0x75: // SETITEMS
        return this.setItems(this.popToMark());
      case 0x71: // BINPUT
        return this.put(this.byte());
      case 0x72: // LONG_BINPUT
        return this.put(this.view.getUint32(this.take(4), true));
      case 0x68: // BINGET
        return this.get(this.byte());
      case 0x6a: // LONG_BINGET
        return this.get(this.view.getUint32(this.take(4), true));
      default:
        this.object(code);
    }
  }

  private object(code: number): void {
    switch (code) {
      case 0x63: // GLOBAL
        return this.push(this.global(`${this.line()} ${this.line()}`));
      case 0x52: // REDUCE
        return this.reduce();
      case 0x62: // BUILD
        this.pop();
        if (!(this.top() instanceof Map)) this.refuse('sets attributes of something that is no dictionary');
        return;
      case 0x51: // BINPERSID
        if (!this.rules.persistent) this.refuse('speaks of things outside of the file');
        return this.push(this.rules.persistent(this.pop()));
      default:
        this.refuse(
          `uses the pickle instruction 0x${code.toString(16).padStart(2, '0')}, which no state dict needs`,
        );
    }
  }

  private reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
      return this.refuse('calls something that is no function');
    if (!callee.call) return this.refuse(`calls ${callee.name}, which may only be named`);
    this.push(callee.call(args));
  }

  private global(name: string): PickleGlobal {
    if (!Object.hasOwn(this.rules.globals, name))
      this.refuse(`asks for "${name.slice(0, 120)}", which is not allowed`);
    return new PickleGlobal(name, this.rules.globals[name] ?? null);
  }

  private append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) return this.refuse('appends to something that is no list');
    for (const item of items) list.push(item);
  }

  private setItems(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      return this.refuse('sets items of something that is no dictionary');
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
    if (mark === undefined) return this.refuse('goes back to a mark that was never made');
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
