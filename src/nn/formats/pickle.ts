/** Python's pickle format, read by an interpreter that builds plain values and executes nothing. */
import { CheckpointError } from '../../core/errors.js';
import { ByteCursor } from './byte-cursor.js';

/** A name that a pickle imports; only names on the caller's list come into being. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** What calling it gives; null: it may be named, not called. */
    readonly call: ((args: unknown[]) => unknown) | null,
  ) {}
}

/**
 * What stands for an object that is of no use here: it takes attributes and items, and forgets
 * them.
 */
export class OpaqueObject {
  constructor(readonly name: string) {}
}

export interface PickleOptions {
  /** Of the file, for errors. */
  name: string;
  /**
   * Whether objects, sets and bytes may occur, and protocols 3 to 5; state dicts need none of them.
   */
  objects?: boolean;
  /** The only importable names, as `module name`, and what each does when called. */
  globals: Record<string, ((args: unknown[]) => unknown) | null>;
  /**
   * Given a name that is not on the list: may throw an error that knows what the file is; without,
   * it is refused by its name.
   */
  onUnlisted?: (global: string) => void;
  /** Resolves a persistent id; without it they are refused. */
  persistentLoad?: (id: unknown) => unknown;
}

/** Values of the stack, marks, memo entries: each at most this many. */
const MAX_STACK = 1_000_000;
const MAX_MARKS = 1_000;
const MAX_MEMO = 1_000_000;
/**
 * Characters of a text that things are found by: it is compared as a whole each time, at the cost
 * of few bytes of the file.
 */
const MAX_KEY_LENGTH = 1_000;

/**
 * Reads one pickle of protocol 2, as PyTorch writes them. Dictionaries become Maps, lists and
 * tuples arrays. Attributes that a pickle sets on a dictionary are dropped. It works without
 * recursion, so depth costs no stack of ours.
 *
 * @returns the value, and the position after it.
 * @throws CheckpointError for anything that is not on the list of names, an unknown instruction, or
 * sizes beyond all need.
 */
export function unpickle(
  bytes: Uint8Array,
  offset: number,
  rules: PickleOptions,
): { value: unknown; end: number } {
  return new Unpickler(bytes, offset, rules).run();
}

class Unpickler {
  private readonly cursor: ByteCursor;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  /**
   * Those of PyTorch's state dicts; pickletools in Python's library documents each by the name
   * given here.
   */
  private readonly instructions = new Map<number, () => void>([
    [0x80, () => this.protocol()], // PROTO
    [0x28, () => this.mark()], // MARK
    [0x4e, () => this.push(null)], // NONE
    [0x88, () => this.push(true)], // NEWTRUE
    [0x89, () => this.push(false)], // NEWFALSE
    [0x4b, () => this.push(this.cursor.byte())], // BININT1
    [0x4d, () => this.push(this.cursor.uint16())], // BININT2
    [0x4a, () => this.push(this.cursor.int32())], // BININT
    [0x8a, () => this.push(this.cursor.long(this.cursor.byte()))], // LONG1
    [0x47, () => this.push(this.cursor.double())], // BINFLOAT
    [0x58, () => this.push(this.cursor.string(this.cursor.uint32()))], // BINUNICODE
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
    [0x71, () => this.put(this.cursor.byte())], // BINPUT
    [0x72, () => this.put(this.cursor.uint32())], // LONG_BINPUT
    [0x68, () => this.get(this.cursor.byte())], // BINGET
    [0x6a, () => this.get(this.cursor.uint32())], // LONG_BINGET
    [0x63, () => this.push(this.global(`${this.cursor.line()} ${this.cursor.line()}`))], // GLOBAL
    [0x52, () => this.reduce()], // REDUCE
    [0x62, () => this.build()], // BUILD
    [0x51, () => this.push(this.persistent(this.pop()))], // BINPERSID
  ]);

  /** Those that pickled objects need beside. */
  private readonly objectInstructions = new Map<number, () => void>([
    [0x95, () => this.frame()], // FRAME
    [0x8c, () => this.push(this.cursor.string(this.cursor.byte()))], // SHORT_BINUNICODE
    [0x8d, () => this.push(this.cursor.string(this.cursor.size()))], // BINUNICODE8
    [0x43, () => this.push(this.cursor.readBytes(this.cursor.byte()))], // SHORT_BINBYTES
    [0x42, () => this.push(this.cursor.readBytes(this.cursor.uint32()))], // BINBYTES
    [0x8e, () => this.push(this.cursor.readBytes(this.cursor.size()))], // BINBYTES8
    [0x96, () => this.push(this.cursor.readBytes(this.cursor.size()))], // BYTEARRAY8
    [0x94, () => this.put(this.memo.size)], // MEMOIZE
    [0x93, () => this.push(this.stackGlobal(this.popMany(2)))], // STACK_GLOBAL
    [0x81, () => this.reduce()], // NEWOBJ
    [0x8f, () => this.push(new Set<unknown>())], // EMPTY_SET
    [0x90, () => this.addItems(this.popToMark())], // ADDITEMS
    [0x91, () => this.push(new Set(this.members(this.popToMark())))], // FROZENSET
  ]);

  constructor(
    bytes: Uint8Array,
    offset: number,
    private readonly rules: PickleOptions,
  ) {
    this.cursor = new ByteCursor(bytes, offset, (what) => this.refuse(what));
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const code = this.cursor.byte();
      if (code === 0x2e) return { value: this.last(), end: this.cursor.position };
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
    const more = this.rules.objects ? this.objectInstructions.get(code) : undefined;
    const instruction = this.instructions.get(code) ?? more;
    if (!instruction) {
      const hex = `0x${code.toString(16).padStart(2, '0')}`;
      this.refuse(`uses the pickle instruction ${hex}, which no weights need`);
    }
    instruction();
  }

  private protocol(): void {
    const protocol = this.cursor.byte();
    if (protocol !== 2 && !(this.rules.objects && protocol >= 2 && protocol <= 5))
      this.refuse(`is written in pickle protocol ${protocol}, which weights of its kind are not`);
  }

  /** Frames only say how much to read at once. */
  private frame(): void {
    this.cursor.size();
  }

  private mark(): void {
    if (this.marks.push(this.stack.length) > MAX_MARKS) this.refuse('is nested too deeply');
  }

  /** Attributes of dictionaries and of inert objects are dropped; nothing else may have any. */
  private build(): void {
    this.pop();
    const target = this.top();
    if (!(target instanceof Map || target instanceof OpaqueObject))
      this.refuse('sets attributes of something that is no dictionary');
  }

  private persistent(id: unknown): unknown {
    if (!this.rules.persistentLoad) this.refuse('speaks of things outside of the file');
    return this.rules.persistentLoad(id);
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
    if (!Object.hasOwn(this.rules.globals, name)) {
      this.rules.onUnlisted?.(name);
      this.refuse(`asks for "${name.slice(0, 120)}", which is not allowed`);
    }
    return new PickleGlobal(name, this.rules.globals[name] ?? null);
  }

  private stackGlobal([module, name]: unknown[]): PickleGlobal {
    if (!isShortString(module) || !isShortString(name)) this.refuse('imports what is no name');
    return this.global(`${module} ${name}`);
  }

  private addItems(items: unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) this.refuse('adds to something that is no set');
    for (const item of this.members(items)) set.add(item);
  }

  private members(items: unknown[]): unknown[] {
    if (items.some((item) => typeof item === 'string' && !isShortString(item)))
      this.refuse('has a set with a text that is too long');
    return items;
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
      if (!isShortString(key) && typeof key !== 'number')
        this.refuse('has a dictionary key that is no short text or number');
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

  private refuse(what: string): never {
    throw new CheckpointError({
      what,
      where: this.rules.name,
      hint: 'The file is damaged or is not what it should be; get it again from its publisher.',
    });
  }
}

/** A text by which something is found. */
export function isShortString(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_KEY_LENGTH;
}
