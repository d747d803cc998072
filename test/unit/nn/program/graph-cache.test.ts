/** The cache of recorded graphs. */
import assert from 'node:assert/strict';
import {
  chownSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { GraphCache, type RecordedGraph } from '../../../../src/nn/program/graph-cache.js';
import { withFolder } from '../../../support/images.js';

const SIGNATURES = {
  'phase.G': {
    inputs: { z: { node: 'phase.G/feed/z', dtype: 'float32', shape: [4, 16] } },
    outputs: { loss: { node: 'phase.G/Mean_3', output: 0, dtype: 'float32', shape: [] } },
  },
} as const;

/** A cache, what it records, and the files that it has. */
function counted(folder: string, limitBytes?: number) {
  const cache = new GraphCache(folder, limitBytes);
  let recorded = 0;
  const graph = (identity: unknown): RecordedGraph => ({
    // Line ends are part of a model, too.
    model: Buffer.from(`model\nof ${JSON.stringify(identity)}\n`.padEnd(1000, '\n')),
    signatures: structuredClone(SIGNATURES) as unknown as RecordedGraph['signatures'],
  });
  const find = async (identity: unknown) => {
    const found = await cache.findOrRecord(identity, () => {
      recorded++;
      return graph(identity);
    });
    assert.deepEqual({ ...found, model: Buffer.from(found.model) }, graph(identity));
  };
  const files = () => readdirSync(folder).map((name) => path.join(folder, name));
  return { find, files, recorded: () => recorded };
}

test('a graph is recorded once, and later processes get the same bytes', async () => {
  await withFolder(async (folder) => {
    const first = counted(folder);
    await first.find({ batch: 4 });
    const later = counted(folder);
    await later.find({ batch: 4 });
    assert.equal(later.recorded(), 0);
    await later.find({ batch: 8 });
    assert.equal(later.recorded(), 1);
    for (const file of later.files()) assert.equal(statSync(file).mode & 0o077, 0, 'only its user reads it');
  });
});

test('a damaged graph, and one of another key, is recorded again and replaced', async () => {
  await withFolder(async (folder) => {
    const { find, files, recorded } = counted(folder);
    await find('a');
    const [file = ''] = files();
    const intact = readFileSync(file);
    for (const at of [3, 80, intact.length - 5]) {
      const bytes = Buffer.from(intact);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(file, bytes);
      await find('a');
      assert.deepEqual(readFileSync(file), intact);
    }
    writeFileSync(file, intact.subarray(0, 200));
    await find('a');
    assert.equal(recorded(), 5);
    await find('b');
    const other = files().find((name) => name !== file) ?? '';
    renameSync(other, file);
    await find('a');
    assert.equal(recorded(), 7);
  });
});

test('a graph that another user has put there is not run', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root may give files away');
  await withFolder(async (folder) => {
    const { find, files, recorded } = counted(folder);
    await find('a');
    chownSync(files()[0] ?? '', 65_534, 65_534);
    await find('a');
    assert.equal(recorded(), 2);
    await find('a');
    assert.equal(recorded(), 2);
  });
});

test('the graphs that were used least recently make room for new ones', async () => {
  await withFolder(async (folder) => {
    const { find, files, recorded } = counted(folder, 3_000);
    for (const name of ['a', 'b', 'c']) {
      await find(name);
      for (const file of files()) {
        const { mtimeMs } = statSync(file);
        utimesSync(file, mtimeMs / 1000 - 100, mtimeMs / 1000 - 100);
      }
      await find('a');
    }
    assert.equal(files().length, 2);
    await find('a');
    assert.equal(recorded(), 3, 'the one in use has stayed');
  });
});

test('processes that record the same graph at a time leave one whole file', async () => {
  await withFolder(async (folder) => {
    const caches = Array.from({ length: 8 }, () => counted(folder));
    await Promise.all(caches.map(({ find }) => find('a')));
    const later = counted(folder);
    await later.find('a');
    assert.equal(later.recorded(), 0);
    assert.equal(later.files().length, 1);
  });
});

test('where nothing can be kept, the graph is recorded each time', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    const { find, recorded } = counted(path.join(file, 'graphs'));
    await find('a');
    await find('a');
    assert.equal(recorded(), 2);
  });
});
