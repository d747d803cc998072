/** The certificate of the embedded store's servers, as a TLS library sees it. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { selfSigned } from '../../../src/client/stack/certificate.js';

test('it is valid for this machine and its own authority, and each has a key of its own', () => {
  const { certificate, key } = selfSigned('gist');
  const read = new X509Certificate(certificate);
  assert.equal(read.subject, 'CN=gist');
  assert.ok(read.ca);
  assert.equal(read.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(read.checkIP('127.0.0.2'), undefined);
  assert.ok(read.verify(read.publicKey));
  assert.ok(read.checkPrivateKey(createPrivateKey(key)));
  assert.ok(!read.checkPrivateKey(createPrivateKey(selfSigned('gist').key)));
});
