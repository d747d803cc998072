/** The safetensors format: named float32 tensors in one file, read without executing or trusting anything. */
import { endianness } from 'node:os';
import { CheckpointError } from '../core/errors.js';

/** Values in C order. */
export interface NamedTensor {
  shape: number[];
  data: Float32Array;
}

/** Longest header that is read: the format's own limit. */
const MAX_HEADER = 100_000_000;

/**
 * Header length (8 bytes, little-endian), header (JSON, padded with spaces to 8 bytes), then the values.
 * https://github.com/huggingface/safetensors, "Format". The same tensors give the same bytes.
 */
export function encodeSafetensors(tensors: Record<string, NamedTensor>): Uint8Array {
  assertLittleEndian();
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const out = Buffer.alloc(8 + length + offset, 0x20);
  out.writeBigUInt64LE(BigInt(length));
  json.copy(out, 8);
  let at = 8 + length;
  for (const { data } of Object.values(tensors)) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * @param where names the file in errors
 * @throws CheckpointError when the file is cut off, its header is not what the format says, or a tensor is not float32.
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): Record<string, NamedTensor> {
  assertLittleEndian();
  const refuse = (what: string): never => {
    throw new CheckpointError({ what, where, mend: 'The file is damaged or of another format; use another checkpoint.' });
  };
  if (bytes.byteLength < 8) return refuse('is too short to be a safetensors file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > bytes.byteLength) return refuse('has a header longer than itself');
  const values = bytes.subarray(8 + length);
  const tensors: Record<string, NamedTensor> = Object.create(null) as Record<string, NamedTensor>;
  for (const [name, entry] of Object.entries(headerOf(bytes.subarray(8, 8 + length)) ?? refuse('has a header that is no JSON object'))) {
    if (name === '__metadata__') continue;
    const { dtype, shape, begin, end } = fieldsOf(entry) ?? refuse(`describes tensor ${name} in a way that is not the format's`);
    const size = shape.reduce((product, side) => product * side, 1);
    if (dtype !== 'F32') return refuse(`holds ${name} as ${dtype}, not F32`);
    if (begin > end || end > values.byteLength || end - begin !== 4 * size) return refuse(`has values of ${name} out of bounds`);
    tensors[name] = { shape, data: new Float32Array(new Uint8Array(values.subarray(begin, end)).buffer) };
  }
  return { ...tensors };
}

function headerOf(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof header === 'object' && header !== null && !Array.isArray(header) ? (header as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function fieldsOf(entry: unknown): { dtype: string; shape: number[]; begin: number; end: number } | null {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(isSize)) return null;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) return null;
  return { dtype, shape, begin: offsets[0] as number, end: offsets[1] as number };
}

function assertLittleEndian(): void {
  if (endianness() !== 'LE') throw new CheckpointError({ what: 'safetensors files need a little-endian processor here' });
}
