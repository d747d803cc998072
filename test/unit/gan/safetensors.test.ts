/** Weights files: exact, and suspicious of what they read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckpointError } from '../../../src/core/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/gan/safetensors.js';

const tensors = {
  'G.a': { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, Number.EPSILON, 1e-40, -0) },
  'G.b': { shape: [], data: Float32Array.of(7) },
};

/** A file with this header and `bytes` bytes of values. */
function file(header: unknown, bytes = 8): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bytes)]);
}

test('tensors come back with their names, shapes and exact bits', () => {
  const bytes = encodeSafetensors(tensors);
  assert.deepEqual(decodeSafetensors(bytes, 'f'), tensors);
  assert.deepEqual(encodeSafetensors(tensors), bytes);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(decodeSafetensors(shifted.subarray(1), 'f'), tensors);
});

for (const [what, bytes] of [
  ['nothing', new Uint8Array(0)],
  ['a header longer than the file', Buffer.from('ffffffffffffff7f7b7d', 'hex')],
  ['a header that is no JSON', file('{"a":')],
  ['a header that is a list', file([])],
  ['an entry without a shape', file({ a: { dtype: 'F32', data_offsets: [0, 8] } })],
  ['a negative side', file({ a: { dtype: 'F32', shape: [-2], data_offsets: [0, 8] } })],
  ['another type', file({ a: { dtype: 'F16', shape: [4], data_offsets: [0, 8] } })],
  ['values beyond the end', file({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } })],
  ['a size that is not the shape\'s', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 8] } })],
  ['a cut-off file', encodeSafetensors(tensors).subarray(0, -1)],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => decodeSafetensors(bytes, 'f'), CheckpointError);
  });
}
