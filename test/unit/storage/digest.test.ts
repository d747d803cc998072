/** Digests and content keys. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import {
  canonicalJson,
  contentKey,
  DigestingStream,
  sha256,
  sha256OfStream,
} from '../../../src/storage/digest.js';

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1

test('SHA-256 of abc matches the standard, for bytes and streams', async () => {
  assert.equal(sha256('abc'), ABC);
  assert.deepEqual(await sha256OfStream(Readable.from([Buffer.from('a'), Buffer.from('bc')])), {
    sha256: ABC,
    bytes: 3,
  });
  const digesting = Readable.from([Buffer.from('ab'), Buffer.from('c')]).pipe(new DigestingStream());
  assert.equal(Buffer.concat(await digesting.toArray()).toString(), 'abc');
  assert.deepEqual([digesting.sha256(), digesting.bytes], [ABC, 3]);
});

test('equal values have equal text for any order of keys', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined }), '{"b":[1,{"c":"x","d":null}]}');
  assert.equal(canonicalJson({ x: 1, y: 2 }), canonicalJson({ y: 2, x: 1 }));
  assert.throws(() => canonicalJson({ x: Number.NaN }), TypeError);
});

test('a content key depends only on stage, version, inputs and settings', () => {
  const key = contentKey('preprocess', 1, ['a', 'b'], { resolution: 32, color: 'rgb' });
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.equal(contentKey('preprocess', 1, ['a', 'b'], { color: 'rgb', resolution: 32 }), key);
  assert.notEqual(contentKey('train', 1, ['a', 'b'], { resolution: 32, color: 'rgb' }), key);
  assert.notEqual(contentKey('preprocess', 2, ['a', 'b'], { resolution: 32, color: 'rgb' }), key);
  assert.notEqual(contentKey('preprocess', 1, ['b', 'a'], { resolution: 32, color: 'rgb' }), key);
  assert.notEqual(contentKey('preprocess', 1, ['a', 'b'], { resolution: 64, color: 'rgb' }), key);
});
