/**
 * PyTorch files: valid ones are read; malicious ones are refused, and their code is not executed.
 */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { ZipFile } from 'yazl';
import { CheckpointError } from '../../../../src/core/errors.js';
import { unpickle } from '../../../../src/nn/formats/pickle.js';
import { readPytorchFile } from '../../../../src/nn/formats/torch-file.js';

const PROTO = '\x80\x02';
const MAGIC = `${PROTO}\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.`;
const VERSION = `${PROTO}M\xe9\x03.`;
const SYSTEM = `${PROTO}}${text('little_endian')}\x88s.`;

/** Bytes, one for each character. */
const bytes = (content: string) => Buffer.from(content, 'latin1');

function text(value: string): string {
  return `X${int32(value.length)}${value}`;
}

function int32(value: number): string {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer.toString('latin1');
}

function tuple(...items: string[]): string {
  return `(${items.join('')}t`;
}

const number = (value: number) => `J${int32(value)}`;
const ORDERED_DICT = 'ccollections\nOrderedDict\n)R';

interface TinyFile {
  storage?: string;
  elements?: number;
  offset?: number;
  shape?: number[];
  strides?: number[];
  values?: number[];
  tail?: string;
}

interface Content {
  pickle: string;
  data: Buffer;
}

/** A state dict with one tensor, `w`, and the bytes of its storage. */
function content({
  storage = 'ctorch\nFloatStorage\n',
  elements = 6,
  offset = 0,
  shape = [2, 3],
  strides = [3, 1],
  values = [0, 1, 2, 3, 4, 5],
}: TinyFile): Content {
  const id = tuple(text('storage'), storage, text('7'), text('cpu'), number(elements), 'N');
  const args = tuple(
    `${id}Q`,
    number(offset),
    tuple(...shape.map(number)),
    tuple(...strides.map(number)),
    '\x89',
    ORDERED_DICT,
  );
  const pickle = `${PROTO}${ORDERED_DICT}${text('w')}ctorch._utils\n_rebuild_tensor_v2\n${args}Rs.`;
  return { pickle, data: Buffer.from(Float32Array.from(values).buffer) };
}

/** In the legacy format, before PyTorch 1.6. */
function file(options: TinyFile): Buffer {
  const { pickle, data } = content(options);
  const keys = `${PROTO}](${text('7')}e.`;
  const count = Buffer.alloc(8);
  count.writeBigInt64LE(BigInt(data.length / 4));
  return Buffer.concat([
    bytes(MAGIC + VERSION + SYSTEM + pickle + keys),
    count,
    data,
    bytes(options.tail ?? ''),
  ]);
}

/** In the zip format. */
function archive(
  options: TinyFile,
  extra: Record<string, string> = {},
  { compress = false } = {},
): Promise<Buffer> {
  const { pickle, data } = content(options);
  const zip = new ZipFile();
  const files = { 'w/data.pkl': pickle, 'w/byteorder': 'little', 'w/version': '3\n', ...extra };
  for (const [name, of] of Object.entries(files)) zip.addBuffer(bytes(of), name, { compress });
  zip.addBuffer(data, 'w/data/7', { compress });
  zip.end();
  return buffer(zip.outputStream);
}

/** Reads a single pickle. */
function plain(content: string): unknown {
  return unpickle(bytes(content), 0, { name: 'x.pth', globals: {} }).value;
}

function refused(read: () => unknown, because: RegExp): void {
  assert.throws(read, (error) => error instanceof CheckpointError && because.test(error.message));
}

test('tensors are in C order for all strides', () => {
  assert.deepEqual(readPytorchFile(file({}), 'x.pth').w, {
    shape: [2, 3],
    data: Float32Array.of(0, 1, 2, 3, 4, 5),
  });
  const turned = readPytorchFile(file({ shape: [3, 2], strides: [1, 3] }), 'x.pth').w;
  assert.deepEqual(turned, { shape: [3, 2], data: Float32Array.of(0, 3, 1, 4, 2, 5) });
  const part = readPytorchFile(file({ offset: 4, shape: [2], strides: [1] }), 'x.pth').w;
  assert.deepEqual(part?.data, Float32Array.of(4, 5));
});

test('parameters of old and new files are tensors; their attributes are discarded', () => {
  const id = tuple(text('storage'), 'ctorch\nFloatStorage\n', text('7'), text('cpu'), number(6), 'N');
  const place = [`${id}Q`, number(0), tuple(number(2), number(3)), tuple(number(3), number(1))];
  const old = `ctorch.nn.parameter\nParameter\n${tuple(`ctorch._utils\n_rebuild_tensor\n${tuple(...place)}R`)}\x81${tuple('\x88', 'N')}b`;
  const inner = `ctorch._utils\n_rebuild_tensor_v2\n${tuple(...place, '\x89', ORDERED_DICT)}R`;
  const recent = `ctorch._utils\n_rebuild_parameter\n${tuple(inner, '\x88', ORDERED_DICT)}R`;
  for (const parameter of [old, recent]) {
    const pickle = `${PROTO}${ORDERED_DICT}${text('w')}${parameter}s.`;
    const count = Buffer.alloc(8);
    count.writeBigInt64LE(6n);
    const whole = Buffer.concat([
      bytes(`${MAGIC}${VERSION}${SYSTEM}${pickle}${PROTO}](${text('7')}e.`),
      count,
      Buffer.from(Float32Array.of(0, 1, 2, 3, 4, 5).buffer),
    ]);
    const { w } = readPytorchFile(whole, 'x.pth');
    assert.deepEqual(w, { shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
  }
  const fake = `${PROTO}${ORDERED_DICT}${text('w')}ctorch.nn.parameter\nParameter\n${tuple('N')}\x81s.`;
  refused(() => readPytorchFile(bytes(MAGIC + VERSION + SYSTEM + fake), 'x.pth'), /invalid parameter/);
});

test('a call of a system function is refused with its name', () => {
  const attack = `${PROTO}cos\nsystem\n(${text('touch /tmp/owned')}tR.`;
  refused(() => plain(attack), /"os system"/);
  const whole = Buffer.concat([bytes(MAGIC + VERSION + SYSTEM), bytes(attack)]);
  refused(() => readPytorchFile(whole, 'x.pth'), /"os system"/);
});

test('names of properties of all JavaScript objects are not allowed', () => {
  for (const name of ['toString\n', '__proto__\n', 'constructor\n'])
    refused(() => plain(`${PROTO}c${name}${name}.`), /not allowed/);
  refused(() => readPytorchFile(file({ storage: 'cbuiltins\neval\n' }), 'x.pth'), /"builtins eval"/);
});

test('opcodes beyond those of state dicts are refused', () => {
  // INST, OBJ, NEWOBJ, STACK_GLOBAL, EXT1, PERSID, STRING
  for (const code of ['(ios\nsystem\n', '(o', ')\x81', '\x93', '\x82\x01', 'Pid\n', "S'a'\n"]) {
    refused(() => plain(`${PROTO}${code}.`), /opcode 0x/);
  }
});

test('calls of values that are not functions, and attributes of values that are not dictionaries, are refused', () => {
  refused(() => plain(`${PROTO}K\x01)R.`), /not a function/);
  refused(() => plain(`${PROTO}](}b.`), /empty stack|not a dictionary/);
  refused(
    () =>
      readPytorchFile(
        Buffer.concat([bytes(`${MAGIC}${VERSION}${SYSTEM}${PROTO}ctorch\nFloatStorage\n)R.`)]),
        'x.pth',
      ),
    /only be imported/,
  );
});

test('malformed streams are refused', () => {
  for (const content of [
    '',
    PROTO,
    `${PROTO}.`,
    `${PROTO}t.`,
    `${PROTO}h\x05.`,
    `${PROTO}X\xff\xff\xff\xff`,
    `${PROTO}(N.`,
  ]) {
    assert.throws(() => plain(content), CheckpointError);
  }
  const whole = file({});
  for (let end = 0; end < whole.length; end += 7) {
    assert.throws(() => readPytorchFile(whole.subarray(0, end), 'x.pth'), CheckpointError);
  }
  refused(() => readPytorchFile(file({ tail: '!' }), 'x.pth'), /after its end/);
});

test('nesting and memory have limits', () => {
  refused(() => plain(PROTO + '('.repeat(5_000)), /deeply/);
  refused(() => plain(PROTO + 'N'.repeat(1_100_000)), /stack/);
  refused(() => plain(`${PROTO}X${int32(50_000_000)}${' '.repeat(100)}`), /is truncated/);
});

test('strings may have any length, but keys may not', () => {
  const long = 'x'.repeat(3_000_000);
  assert.equal(plain(`${PROTO}${text(long)}.`), long);
  refused(() => plain(`${PROTO}}${text(long)}Ns.`), /not a short string/);
  refused(() => plain(`${PROTO}c${long}\nb\n.`), /name that is too long/);
  const id = tuple(text('storage'), 'ctorch\nFloatStorage\n', text(long), text('cpu'), number(1), 'N');
  const whole = bytes(`${MAGIC}${VERSION}${SYSTEM}${PROTO}${id}Q.`);
  refused(() => readPytorchFile(whole, 'x.pth'), /description of a storage/);
});

test('tensors that exceed or multiply their storage are refused', () => {
  refused(() => readPytorchFile(file({ offset: 1 }), 'x.pth'), /exceeds its storage/);
  refused(() => readPytorchFile(file({ strides: [4, 1] }), 'x.pth'), /exceeds its storage/);
  refused(
    () => readPytorchFile(file({ shape: [100_000, 100_000], strides: [0, 0] }), 'x.pth'),
    /exceeds its storage/,
  );
  refused(() => readPytorchFile(file({ shape: [-1, 3] }), 'x.pth'), /invalid description/);
  refused(() => readPytorchFile(file({ elements: 7 }), 'x.pth'), /is truncated/);
  refused(() => readPytorchFile(file({ elements: 1_000_000_000 }), 'x.pth'), /is truncated/);
});

test('the zip format contains the same tensors', async () => {
  const turned = { shape: [3, 2], strides: [1, 3] };
  assert.deepEqual(readPytorchFile(await archive(turned), 'x.pt'), readPytorchFile(file(turned), 'x.pth'));
});

test('truncated, malicious and foreign archives are refused', async () => {
  const whole = await archive({});
  for (let end = 0; end < whole.length; end += 7)
    assert.throws(() => readPytorchFile(whole.subarray(0, end), 'x.pt'), CheckpointError);
  const attack = `${PROTO}cos\nsystem\n(${text('touch /tmp/owned')}tR.`;
  refused(await readerOf({}, { 'w/data.pkl': attack }), /"os system"/);
  refused(await readerOf({}, { 'v/data.pkl': attack }), /not a PyTorch file/);
  refused(await readerOf({}, { 'w/byteorder': 'big' }), /big-endian/);
  refused(await readerOf({ elements: 7 }), /the wrong size/);
  refused(await readerOf({ offset: 1 }), /exceeds its storage/);
  refused(await readerOf({}, {}, { compress: true }), /compressed/);
  for (const [at, what] of [
    [whole.readUInt32LE(whole.length - 6) + 42, /exceeds the archive/],
    [whole.readUInt32LE(whole.length - 6) + 24, /exceeds the archive/],
    [whole.length - 6, /corrupt central directory/],
  ] as const) {
    const broken = Buffer.from(whole);
    broken.writeUInt32LE(0x7ffffff0, at);
    refused(() => readPytorchFile(broken, 'x.pt'), what);
  }
});

async function readerOf(...args: Parameters<typeof archive>): Promise<() => unknown> {
  const made = await archive(...args);
  return () => readPytorchFile(made, 'x.pt');
}
