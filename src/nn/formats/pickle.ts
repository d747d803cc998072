/**
 * Reads Python's pickle format. The interpreter builds plain values and executes no code of the
 * file.
 */
import { CheckpointError } from '../../core/errors.js';
import { ByteCursor } from './byte-cursor.js';

/** A global that a pickle imports. Only globals on the list of the caller are created. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** Computes the result of a call; null if the global may be imported but not called. */
    readonly call: ((args: unknown[]) => unknown) | null,
  ) {}
}

/** Placeholder for an object that is not needed. Its attributes and items are discarded. */
export class OpaqueObject {
  constructor(readonly name: string) {}
}

export interface PickleOptions {
  /** Name of the file, for errors. */
  name: string;
  /** Allows objects, sets, bytes and protocols 3 to 5, which state dicts do not need. */
  objects?: boolean;
  /** Globals that may be imported, as `module name`, with the function for calls. */
  globals: Record<string, ((args: unknown[]) => unknown) | null>;
  /**
   * Allows values that a pickle creates without a function call (NEWOBJ), and tells which of them
   * may have attributes; those are discarded.
   */
  mayHaveAttributes?: (value: unknown) => boolean;
  /**
   * Called with a global that is not in `globals`, before it is refused. May throw a more specific
   * error.
   */
  onUnlisted?: (global: string) => void;
  /**
   * Resolves a persistent id, as `Unpickler.persistent_load` in Python. Without it, such ids are
   * refused.
   */
  persistentLoad?: (id: unknown) => unknown;
}

/** Limits of the number of values on the stack, marks and memo entries. */
const MAX_STACK = 1_000_000;
const MAX_MARKS = 1_000;
const MAX_MEMO = 1_000_000;
/** Opcode that creates an object of a class. */
const NEWOBJ = 0x81;
/**
 * Maximum length of a string that is used as a key. Each use hashes or compares the whole string,
 * and costs only a few bytes of the file.
 */
const MAX_KEY_LENGTH = 1_000;

/**
 * Reads one pickle of protocol 2, the protocol of PyTorch. Dictionaries become Maps; lists and
 * tuples become arrays. Attributes that a pickle sets on a dictionary are discarded. It is not
 * recursive, so nested values cannot overflow the call stack.
 *
 * @returns the value, and the offset after it.
 * @throws CheckpointError for globals that are not allowed, unknown opcodes, and exceeded limits.
 */
export function unpickle(
  bytes: Uint8Array,
  offset: number,
  options: PickleOptions,
): { value: unknown; end: number } {
  return new Unpickler(bytes, offset, options).run();
}

class Unpickler {
  private readonly cursor: ByteCursor;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  /**
   * Opcodes of PyTorch's state dicts. Python's `pickletools` documents them under the given names.
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
    [0x51, () => this.push(this.loadPersistent(this.pop()))], // BINPERSID
  ]);

  /** Additional opcodes of pickled objects. */
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
    [NEWOBJ, () => this.reduce()],
    [0x8f, () => this.push(new Set<unknown>())], // EMPTY_SET
    [0x90, () => this.addItems(this.popToMark())], // ADDITEMS
    [0x91, () => this.push(new Set(this.members(this.popToMark())))], // FROZENSET
  ]);

  constructor(
    bytes: Uint8Array,
    offset: number,
    private readonly options: PickleOptions,
  ) {
    this.cursor = new ByteCursor(bytes, offset, (what) => this.refuse(what));
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const code = this.cursor.byte();
      if (code === 0x2e) return { value: this.last(), end: this.cursor.position };
      this.step(code);
      if (this.stack.length > MAX_STACK) this.refuse('exceeds the limit of the pickle stack');
    }
  }

  /** The value of the pickle, which must be the only one on the stack. */
  private last(): unknown {
    if (this.marks.length > 0 || this.stack.length !== 1) this.refuse('does not end with exactly one value');
    return this.pop();
  }

  private step(code: number): void {
    const isAllowed = this.options.objects || (code === NEWOBJ && this.options.mayHaveAttributes);
    const more = isAllowed ? this.objectInstructions.get(code) : undefined;
    const instruction = this.instructions.get(code) ?? more;
    if (!instruction) {
      const hex = `0x${code.toString(16).padStart(2, '0')}`;
      this.refuse(`uses the pickle opcode ${hex}, which weights do not need`);
    }
    instruction();
  }

  private protocol(): void {
    const protocol = this.cursor.byte();
    if (protocol !== 2 && !(this.options.objects && protocol >= 2 && protocol <= 5))
      this.refuse(`uses pickle protocol ${protocol}, which is not supported for weights of this format`);
  }

  /** Skips the frame length, which is only a hint for buffered reading. */
  private frame(): void {
    this.cursor.size();
  }

  private mark(): void {
    if (this.marks.push(this.stack.length) > MAX_MARKS) this.refuse('is nested too deeply');
  }

  /**
   * Discards attributes of dictionaries, opaque objects, and what the caller allows. Other values
   * must not have attributes.
   */
  private build(): void {
    this.pop();
    const target = this.top();
    const isKnown = target instanceof Map || target instanceof OpaqueObject;
    if (!isKnown && !this.options.mayHaveAttributes?.(target))
      this.refuse('sets attributes of a value that is not a dictionary');
  }

  private loadPersistent(id: unknown): unknown {
    if (!this.options.persistentLoad) this.refuse('refers to objects outside of the file');
    return this.options.persistentLoad(id);
  }

  private reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
      this.refuse('calls a value that is not a function');
    if (!callee.call) this.refuse(`calls ${callee.name}, which may only be imported`);
    this.push(callee.call(args));
  }

  private global(name: string): PickleGlobal {
    if (!Object.hasOwn(this.options.globals, name)) {
      this.options.onUnlisted?.(name);
      this.refuse(`imports "${name.slice(0, 120)}", which is not allowed`);
    }
    return new PickleGlobal(name, this.options.globals[name] ?? null);
  }

  private stackGlobal([module, name]: unknown[]): PickleGlobal {
    if (!isShortString(module) || !isShortString(name))
      this.refuse('imports a global whose name is not a short string');
    return this.global(`${module} ${name}`);
  }

  private addItems(items: unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) this.refuse('adds items to a value that is not a set');
    for (const item of this.members(items)) set.add(item);
  }

  private members(items: unknown[]): unknown[] {
    if (items.some((item) => typeof item === 'string' && !isShortString(item)))
      this.refuse('has a set with a string that is too long');
    return items;
  }

  private append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.refuse('appends to a value that is not a list');
    for (const item of items) list.push(item);
  }

  private setItems(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      this.refuse('sets items of a value that is not a dictionary');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (!isShortString(key) && typeof key !== 'number')
        this.refuse('has a dictionary key that is not a short string or number');
      target.set(key, items[i + 1]);
    }
  }

  private put(index: number): void {
    if (this.memo.size >= MAX_MEMO) this.refuse('exceeds the limit of the pickle memo');
    this.memo.set(index, this.top());
  }

  private get(index: number): void {
    if (!this.memo.has(index)) this.refuse('reads a memo entry that does not exist');
    this.push(this.memo.get(index));
  }

  private push(value: unknown): void {
    this.stack.push(value);
  }

  private top(): unknown {
    if (this.stack.length <= this.floor()) this.refuse('pops from an empty stack');
    return this.stack.at(-1);
  }

  private pop(): unknown {
    const value = this.top();
    this.stack.length--;
    return value;
  }

  private popMany(count: number): unknown[] {
    if (this.stack.length - this.floor() < count) this.refuse('pops from an empty stack');
    return this.stack.splice(this.stack.length - count);
  }

  private popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) this.refuse('pops to a mark that does not exist');
    return this.stack.splice(mark);
  }

  /** Stack size at the newest mark. Values below it cannot be popped. */
  private floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  private refuse(what: string): never {
    throw new CheckpointError({
      what,
      where: this.options.name,
      hint: 'The file is corrupt or has another format; download it again from its publisher.',
    });
  }
}

/** Whether a value is a string that may be used as a key. */
export function isShortString(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_KEY_LENGTH;
}
