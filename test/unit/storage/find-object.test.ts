/** Reads of an object that another process may write at the same time. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { FileStore } from '../../../src/storage/file-store.js';
import { findObject } from '../../../src/storage/find-object.js';

const folder = mkdtempSync(path.join(tmpdir(), 'gist-find-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Another process writes the object after the first request. */
class BusyStore extends FileStore {
  private looked = false;

  override async get(key: string): Promise<Uint8Array> {
    if (this.looked) return super.get(key);
    this.looked = true;
    return super.get(key).catch(async (error: unknown) => {
      await this.put(key, Buffer.from('theirs'));
      throw error;
    });
  }
}

test('an object that is written meanwhile is found; a missing object is null', async () => {
  assert.equal(await findObject(new FileStore(folder), 'none'), null);
  const found = await findObject(new BusyStore(folder), 'theirs');
  assert.equal(Buffer.from(found ?? []).toString(), 'theirs');
});
