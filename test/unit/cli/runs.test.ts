/** `gist runs` on a store without a server: exporting, and what prune refuses. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseSpec } from '../../../src/spec/parse.js';
import { openStore } from '../../../src/storage/index.js';
import { recordRun } from '../../../src/storage/runs.js';
import { GistUser } from '../../support/gist.js';

let user: GistUser;
let folder: string;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gist-runs-'));
  const uri = pathToFileURL(folder).href;
  user = await GistUser.create({ GIST_STORE: uri });
  const store = openStore(uri);
  await recordRun(store, 'trial-1', parseSpec({ name: 'trial', preprocess: { source: '/data' } }));
  await store.put('runs/trial-1/train/x.json', Buffer.from('{}'));
});
after(async () => {
  await user.leave();
  rmSync(folder, { recursive: true, force: true });
});

test('a run is exported with its folders, and never over files of the user', async () => {
  const { files } = await user.json<{ files: number }>('runs', 'export', 'trial-1', '--out', 'copy');
  assert.equal(files, 2);
  const copied = (name: string) => readFileSync(path.join(user.folder, 'copy', name), 'utf8');
  assert.equal(JSON.parse(copied('run.json')).spec.name, 'trial');
  writeFileSync(path.join(user.folder, 'copy/run.json'), 'mine');
  const again = await user.gist('runs', 'export', 'trial-1', '--out', 'copy');
  assert.equal(again.code, 2);
  assert.match(again.stderr, /copy is not empty/);
  assert.equal(copied('run.json'), 'mine');
});

test('prune takes ids or a name: a name beside ids would delete more than was named', async () => {
  const { code, stderr } = await user.gist('runs', 'prune', 'trial-1', '--name', 'trial', '--yes');
  assert.equal(code, 2);
  assert.match(stderr, /ids of runs, or --name, and not both/);
});
