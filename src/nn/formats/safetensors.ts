/**
 * The safetensors format: a JSON header followed by named tensors. Reading validates untrusted
 * files.
 */
import { z } from 'zod';
import { CheckpointError } from '../../core/errors.js';

/** A float32 tensor in C order. */
export interface NamedTensor {
  shape: number[];
  data: Float32Array;
}

/** Maximum size of the header, equal to the limit of the official reader. */
const MAX_HEADER_BYTES = 100_000_000;
const ALIGNMENT = 8;

const DTYPE_BYTES: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 };

const entrySchema = z.strictObject({
  dtype: z.enum(['F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'U8']),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
type Entry = z.output<typeof entrySchema>;

/**
 * Encodes tensors. The output is deterministic: names are sorted, and the header is padded to a
 * multiple of 8 bytes.
 */
export function encodeSafetensors(
  tensors: Record<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors[name] as NamedTensor;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(8 + headerBytes + offset, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes));
  json.copy(bytes, 8);
  let position = 8 + headerBytes;
  for (const name of names) {
    const { data } = tensors[name] as NamedTensor;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Decodes tensors of the common data types to float32.
 *
 * @param name of the file, for errors
 * @throws CheckpointError if the file is truncated, its header is malformed, or tensors overlap or
 * exceed the file
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Record<string, NamedTensor> {
  const { header, body } = splitHeader(bytes, name);
  const entries = Object.entries(header).filter(([key]) => key !== '__metadata__');
  const parsed = entries.map(([key, value]) => [key, parseEntry(value, key, name)] as const);
  checkRanges(parsed, body.byteLength, name);
  return Object.fromEntries(
    parsed.map(([key, entry]) => [key, { shape: entry.shape, data: toFloat32(entry, body) }]),
  );
}

/**
 * The metadata of a file; its values are not validated.
 *
 * @throws CheckpointError if the header is malformed
 */
export function safetensorsMetadata(bytes: Uint8Array, name: string): Record<string, unknown> {
  const metadata = splitHeader(bytes, name).header.__metadata__;
  return metadata !== null && typeof metadata === 'object' ? (metadata as Record<string, unknown>) : {};
}

function refuse(name: string, what: string): never {
  throw new CheckpointError({
    what,
    where: name,
    hint: 'The file is corrupt or not a safetensors file; download it again.',
  });
}

function splitHeader(bytes: Uint8Array, name: string): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.byteLength < 8) refuse(name, 'is too short to be a safetensors file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > bytes.byteLength)
    refuse(name, 'has a header that exceeds the file');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + headerBytes)));
  } catch {
    refuse(name, 'has a header that is not JSON');
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header))
    refuse(name, 'has a header that is not an object of tensors');
  return { header: header as Record<string, unknown>, body: bytes.subarray(8 + headerBytes) };
}

function parseEntry(value: unknown, key: string, name: string): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) return refuse(name, `has an invalid description of tensor ${key.slice(0, 120)}`);
  const { dtype, shape, data_offsets } = parsed.data;
  const elements = shape.reduce((product, side) => product * side, 1);
  if (data_offsets[1] - data_offsets[0] !== elements * (DTYPE_BYTES[dtype] as number)) {
    refuse(name, `has data of tensor ${key.slice(0, 120)} that does not match its shape`);
  }
  return parsed.data;
}

function checkRanges(entries: (readonly [string, Entry])[], bytes: number, name: string): void {
  const ranges = entries.map(([, entry]) => entry.data_offsets).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let end = 0;
  for (const range of ranges) {
    if (range[0] < end) refuse(name, 'has tensors that overlap');
    end = range[1];
  }
  if (end !== bytes) refuse(name, `has ${bytes} bytes of tensors, but its header describes ${end}`);
}

function toFloat32({ dtype, data_offsets: [first, end] }: Entry, body: Uint8Array): Float32Array {
  // A copy is aligned and does not retain the buffer of the file. (Buffer.slice would return a
  // view.)
  const buffer = new Uint8Array(body.subarray(first, end)).buffer;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), halfToFloat);
    case 'BF16':
      return Float32Array.from(new Uint16Array(buffer), bfloatToFloat);
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'U8':
      return Float32Array.from(new Uint8Array(buffer));
  }
}

/** Converts IEEE 754 binary16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** Converts bfloat16 bits, which are the upper half of a float32. */
export function bfloatToFloat(bits: number): number {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}
