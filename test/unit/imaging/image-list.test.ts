/** Lists and tables that hold millions of entries in little memory. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import { DiskTable } from '../../../src/imaging/dataset/disk-table.js';
import { ImageListWriter } from '../../../src/imaging/source/image-list.js';
import type { SourceImage } from '../../../src/imaging/source/image-source.js';
import { FirstByKey } from '../../../src/imaging/split/first-by-key.js';
import { sha256 } from '../../../src/storage/index.js';

function imageOf(i: number): SourceImage {
  const digest = sha256(String(i));
  const identities = [
    `sha256:${digest}`,
    `etag:"${digest.slice(0, 32)}"`,
    `etag:"${digest.slice(0, 32)}-12"`,
    `time:${i}-1764547200123`,
    `crc32:${digest.slice(0, 8)}-${i}`,
    'etag:',
    `etag:${digest}${digest}`,
    `etag:${digest.slice(0, 33)}`,
  ];
  const folder = ['a', 'é', '\u{1f9b4}', '\uffee'][i % 4] as string;
  return {
    name: `${folder}/${digest.slice(0, 6)}-${i}.png`,
    bytes: i * 2 ** 20,
    identity: identities[i % 8] as string,
  };
}

test('a list has its images in the order of the bytes of their names, with every identity', () => {
  const images = Array.from({ length: 4000 }, (_, i) => imageOf(i));
  const writer = new ImageListWriter();
  for (const image of images) writer.add(image);
  const sorted = writer.sorted();
  images.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  assert.deepEqual([...sorted], images);
  assert.deepEqual(sorted.at(1234), images[1234]);
  assert.equal(sorted.at(images.length), undefined);
});

test('an image takes little more memory than its name and digest', () => {
  const before = process.memoryUsage().arrayBuffers;
  const writer = new ImageListWriter();
  const count = 100_000;
  for (let i = 0; i < count; i++)
    writer.add({
      name: `${String(i).padStart(30, '0')}.png`,
      bytes: i,
      identity: `sha256:${sha256(String(i))}`,
    });
  const bytes = (process.memoryUsage().arrayBuffers - before) / count;
  assert.equal(writer.sorted().length, count);
  assert.ok(bytes < 34 + 32 + 50, `${bytes} bytes`);
});

test('equal keys have the first number, others their own', () => {
  const random = new RandomStream(1, 'keys');
  const keys = Array.from({ length: 5000 }, () => `key ${random.integer(3000)}`);
  const index = new FirstByKey(keys.length, (i) => keys[i] as string);
  for (const [i, key] of keys.entries()) assert.equal(index.add(i, key), keys.indexOf(key));
});

test('a table on disk has the newest value of every key, while it is written and after', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-test-'));
  const table = new DiskTable(path.join(folder, 'table'));
  try {
    for (let i = 0; i < 5000; i++) {
      table.set(`key ${i % 4000}`, `value ${i} é`);
      if (i % 97 === 0) assert.equal(table.get(`key ${i % 4000}`), `value ${i} é`);
    }
    for (let i = 0; i < 4000; i++) assert.equal(table.get(`key ${i}`), `value ${i < 1000 ? i + 4000 : i} é`);
    assert.equal(table.get('key'), undefined);
    table.set('empty', '');
    assert.equal(table.get('empty'), '');
  } finally {
    table.close();
    rmSync(folder, { recursive: true });
  }
});
