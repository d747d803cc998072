/** What the command refuses, and how: exit code, the place, the fixing; never a stack trace. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { GistUser } from '../../support/gist.js';

let user: GistUser;

before(async () => {
  user = await GistUser.create();
  await writeFile(path.join(user.folder, 'good.yaml'), 'name: knee\npreprocess:\n  source: .\n');
  await writeFile(path.join(user.folder, 'broken.json'), '{"name": ');
  await writeFile(path.join(user.folder, 'list.json'), '[1, 2]');
});

after(() => user.leave());

const REFUSALS: [string, string[], number, RegExp][] = [
  ['an unknown command', ['quickstrat'], 2, /unknown command.*\n.*quickstart/s],
  ['a missing argument', ['watch'], 2, /missing required argument 'run'/],
  ['an unknown option', ['run', 'good.yaml', '--wacth'], 2, /unknown option/],
  ['a spec that is not there', ['run', 'nothing.json'], 2, /no file nothing\.json/],
  ['a broken spec', ['run', 'broken.json'], 2, /broken\.json: is neither JSON nor YAML/],
  ['a spec that is no table', ['run', 'list.json'], 2, /list\.json: is not a spec/],
  ['a misspelt key', ['run', 'good.yaml', '--set', 'train.kimgs=3'], 2, /did you mean "kimg"/],
  [
    'a setting without a value',
    ['run', 'good.yaml', '--set', 'train.kimg'],
    2,
    /--set train\.kimg has no value/,
  ],
  ['a setting of the prototype', ['run', 'good.yaml', '--set', '__proto__.a=1'], 2, /cannot change/],
  ['an unknown stage', ['run', 'good.yaml', '--stages', 'trian'], 2, /did you mean "train"/],
  [
    'a missing folder of images',
    ['run', 'good.yaml', '--set', 'preprocess.source=./nothing'],
    3,
    /preprocess\.source: there is no folder/,
  ],
  [
    'more images than the disk has room for',
    ['run', 'good.yaml', '--set', 'generate.count=100000000', '--set', 'preprocess.resolution=1024'],
    7,
    /the images of this run need up to [\d.]+ GB on the disk of .*GIST_HOME/s,
  ],
  [
    'to list rejected images without a folder for the list',
    ['metrics', '--real', '.', '--fake', '.', '--reject-above', '0.99'],
    2,
    /--reject-above: images are judged by the analysis artifacts.*--out FOLDER/s,
  ],
  [
    'to reject images by a share of real ones that is none',
    ['metrics', '--real', '.', '--fake', '.', '--out', 'x', '--reject-above', '99'],
    2,
    /99 is not a share of real images/,
  ],
  ['an id that is a path', ['run', 'good.yaml', '--id', '../../x'], 8, /cannot be the id of a run/],
  ['to retry with a path as id', ['retry', 'a/b'], 8, /cannot be the id of a run/],
  ['seeds that are none', ['generate', '--checkpoint', '.', '--seeds', '9-0'], 2, /--seeds 9-0/],
  ['an impossible truncation', ['generate', '--checkpoint', '.', '--psi', 'much'], 2, /--psi much/],
  ['a run when the stack is down', ['status', 'knee-1'], 6, /the embedded stack is not up.*gist up/s],
  ['a page of unknown length', ['status', '--page', '2'], 2, /--page 2 needs .*--limit 20 --page 2/s],
  ['a wrong queue', ['worker', '--queue', 'tpu'], 2, /--queue tpu/],
  [
    'a page of images in a bucket',
    ['dataset', 'inspect', './nothing', '--html', 's3://bucket/x.html'],
    2,
    /--html names a file of this machine/,
  ],
  [
    'a list of files in a folder that is not there',
    ['dataset', 'split', '.', '--list', 'no/such/x.csv'],
    2,
    /--list no\/such\/x\.csv cannot be written/,
  ],
  ['a data set that is not there', ['dataset', 'inspect', './nothing'], 3, /there is no finished data set/],
];

for (const [what, args, code, message] of REFUSALS) {
  test(`refuses ${what}`, async () => {
    const outcome = await user.gist(...args);
    assert.match(outcome.stderr, message);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.doesNotMatch(outcome.stderr, /\n\s+at /);
    assert.equal(outcome.stdout, '');
  });
}

test('a refusal starts nothing and writes nothing', () => {
  assert.equal(existsSync(user.home), false);
});

test('--dry-run prints the whole spec with absolute addresses', async () => {
  const spec = await user.json<{ name: string; train: { kimg: number }; preprocess: { source: string } }>(
    'run',
    'good.yaml',
    '--dry-run',
    '--set',
    'train.kimg=7',
    '--set',
    'train.snapshotKimg=1',
  );
  assert.equal(spec.train.kimg, 7);
  assert.match(spec.preprocess.source, /^file:\/\/\//);
});

test('every command explains itself with examples', async () => {
  const { stdout } = await user.gist('--help');
  const names = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1] as string);
  assert.ok(names.includes('quickstart') && !names.includes('supervise'));
  for (const name of names.filter((name) => name !== 'help')) {
    const help = await user.gist(name, '--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Examples:\n {2}|^Commands:/m);
    assert.match(help.stdout, /^Exit codes: 0 done; 1 /m);
  }
});
