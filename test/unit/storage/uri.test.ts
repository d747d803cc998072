/** Addresses of stores and keys. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { checkKey, compareKeys, formatUri, joinKey, parseUri } from '../../../src/storage/uri.js';

test('an s3 address names a bucket and a prefix', () => {
  assert.deepEqual(parseUri('s3://gist'), { scheme: 's3', bucket: 'gist', prefix: '' });
  assert.deepEqual(parseUri('s3://gist/'), { scheme: 's3', bucket: 'gist', prefix: '' });
  assert.deepEqual(parseUri('s3://gist/raw/knee'), { scheme: 's3', bucket: 'gist', prefix: 'raw/knee/' });
  assert.equal(formatUri(parseUri('s3://gist/raw/knee')), 's3://gist/raw/knee/');
});

test('a plain path and a file address name the same folder', () => {
  assert.deepEqual(parseUri('/data/a b'), parseUri('file:///data/a%20b'));
  assert.deepEqual(parseUri('data'), { scheme: 'file', path: path.resolve('data') });
  assert.deepEqual(parseUri(formatUri(parseUri('/data/a b'))), parseUri('/data/a b/'));
});

test('other schemes, missing buckets and remote files are refused', () => {
  for (const uri of ['', 'http://host/x', 'gs://bucket', 's3://', 's3:///x', 'file://host/x', 's3://b\0']) {
    assert.throws(() => parseUri(uri), StoreError, uri);
  }
});

test('keys are joined with single slashes', () => {
  assert.equal(joinKey('a/', '/b', 'c.zip'), 'a/b/c.zip');
  assert.equal(joinKey('', 'b'), 'b');
  assert.equal(joinKey('a', 'b/'), 'a/b/');
});

test('a key outside of its store is refused', () => {
  for (const key of [
    '',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a//b',
    './a',
    'a/.',
    'a\\b',
    'a\0b',
    'a\n',
    'a/',
  ]) {
    assert.throws(() => checkKey(key), StoreError, JSON.stringify(key));
  }
  for (const key of ['a', 'a/b.c', '..a/b..', 'ä/ö']) checkKey(key);
});

test('keys sort by their bytes', () => {
  assert.deepEqual(['b', 'a/b', 'a-b', 'B', '\u{1f600}', '\uffee'].sort(compareKeys), [
    'B',
    'a-b',
    'a/b',
    'b',
    '\uffee',
    '\u{1f600}',
  ]);
});
