/** `gist report`: the report of a run as files. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseSpec } from '../../../src/spec/parse.js';
import type { EvaluateResult } from '../../../src/spec/results.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { recordRun, recordStageResult } from '../../../src/storage/runs.js';
import { GistUser } from '../../support/gist.js';

const PREFIX = 'runs/knees-1/evaluate/s1/';
const FILES = [
  'report.html',
  'metrics.json',
  'metrics.csv',
  'metrics.tex',
  'DATA-CARD.md',
  'figures/map.png',
];
let user: GistUser;

before(async () => {
  const base = await GistUser.create();
  const store = new FileStore(path.join(base.folder, 'store'));
  user = base.as({ env: { GIST_STORE: store.uri } });
  const spec = parseSpec({ name: 'knees', preprocess: { source: '/images' } });
  for (const runId of ['knees-1', 'knees-2']) await recordRun(store, runId, spec);
  for (const file of FILES) await store.put(`${PREFIX}${file}`, Buffer.from(`content of ${file}`));
  await store.put(`${PREFIX}other/part.bin`, Buffer.from('no part of the report'));
  const result: EvaluateResult = {
    stage: 'evaluate',
    prefix: PREFIX,
    metrics: {},
    conclusion: { level: 'caution', headline: 'Be careful.', shows: ['A.'], limits: ['B.'] },
    report: `${PREFIX}report.html`,
  };
  const lookup = { runId: 'knees-1', stage: 'evaluate' as const, inputs: [], settings: {}, reuse: true };
  await recordStageResult(store, lookup, result);
});
after(() => user?.leave());

test('all files of a report are downloaded into the given folder, and its conclusion is printed', async () => {
  const { code, stdout, stderr } = await user.gist('report', 'knees-1', '--out', 'paper');
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /Read with care: Be careful\.\nWhat this shows:\n {2}- A\.\nWhat this does not show:\n {2}- B\./,
  );
  const folder = path.join(user.folder, 'paper');
  const found = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.'));
  assert.deepEqual(found.sort(), [...FILES].sort());
  for (const file of FILES)
    assert.equal(await readFile(path.join(folder, file), 'utf8'), `content of ${file}`);
});

test('without a folder it goes to the state folder, which --json names', async () => {
  const { report, conclusion } = await user.json<{ report: string; conclusion: object }>('report', 'knees-1');
  assert.equal(report, path.join(user.home, 'reports', 'knees-1', 'report.html'));
  assert.ok('headline' in conclusion);
});

test('a run without an evaluation and an unknown run are refused with a hint', async () => {
  const unfinished = await user.gist('report', 'knees-2');
  assert.equal(unfinished.code, 8);
  assert.match(unfinished.stderr, /no report/);
  assert.match(unfinished.stderr, /--stages evaluate --from knees-2/);
  const unknown = await user.gist('report', 'no-such-run');
  assert.equal(unknown.code, 8);
  assert.match(unknown.stderr, /no run "no-such-run"/);
});
