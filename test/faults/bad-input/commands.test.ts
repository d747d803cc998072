/** Runs that there are not, values that are none, sets too small to measure: refused by the commands that get them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { GistUser } from '../../support/gist.js';
import { writeClasses } from '../../support/images.js';
import { freePort } from '../../support/ports.js';
import { assertRefused, type Refusal } from '../../support/refusals.js';
import { TestTemporal } from '../../support/temporal.js';

let temporal: TestTemporal;
let user: GistUser;

before(async () => {
  temporal = await TestTemporal.start();
  // The store is never asked by these commands; naming it keeps the embedded one from being started.
  user = await GistUser.create({ TEMPORAL_ADDRESS: temporal.address, GIST_STORE: './store' });
  await writeClasses(path.join(user.folder, 'one'), { a: 1 });
  await writeClasses(path.join(user.folder, 'two'), { a: 2 });
  await mkdir(path.join(user.folder, 'none'));
  await writeFile(path.join(user.folder, 'spec.json'), '{"name": "knee", "preprocess": {"source": "two"}}');
});

after(async () => {
  await user.leave();
  await temporal.stop();
});

const unknown = { type: 'RunError', code: 8, says: /there is no run "nobody"/ };
const usage = (says: RegExp) => ({ type: 'UsageError', code: 2, says });
const generate = (...args: string[]) => ['generate', '--checkpoint', 'none', ...args];

const CASES: Refusal[] = [
  ...['status', 'watch', 'pause', 'resume', 'stop', 'cancel'].map((command) => ({
    what: `to ${command} a run that there is not`,
    args: [command, 'nobody'],
    ...unknown,
  })),
  { what: 'to extend a run that there is not', args: ['extend', 'nobody', '--kimg', '9'], ...unknown },
  {
    what: 'logs of a run that there is not',
    args: ['logs', 'nobody'],
    type: 'RunError',
    code: 8,
    says: /log has no line of "nobody"/,
  },
  { what: 'a length of no meaning', args: ['extend', 'x', '--kimg', 'long'], ...usage(/--kimg long/) },
  { what: 'lines of no meaning', args: ['logs', 'x', '-n', 'all'], ...usage(/--lines all/) },
  { what: 'seeds that are words', args: generate('--seeds', 'lucky'), ...usage(/--seeds lucky/) },
  {
    what: 'more seeds than anybody needs',
    args: generate('--seeds', '0-99999999'),
    ...usage(/--seeds 0-99999999/),
  },
  {
    what: 'a truncation out of range',
    args: generate('--psi', '-1'),
    ...usage(/--psi -1 is not between 0 and 2/),
  },
  {
    what: 'a folder without a checkpoint',
    args: generate('--seeds', '0'),
    type: 'CheckpointError',
    code: 4,
    says: /no checkpoint|manifest/,
  },
  {
    what: 'a resolution that is no number',
    args: ['dataset', 'build', 'two', '--out', 'out', '--resolution', 'big'],
    type: 'SpecError',
    code: 2,
    says: /resolution: must be/,
  },
  {
    what: 'to look into a data set that there is not',
    args: ['dataset', 'inspect', 'none'],
    type: 'DatasetError',
    code: 3,
    says: /there is no finished data set/,
  },
  {
    what: 'metrics of a single image',
    args: ['metrics', '--real', 'two', '--fake', 'one'],
    type: 'DatasetError',
    code: 3,
    says: /one: only 1 readable image/,
  },
  {
    what: 'metrics of an empty folder',
    args: ['metrics', '--real', 'none', '--fake', 'two'],
    type: 'DatasetError',
    code: 3,
    says: /contains no images/,
  },
];

for (const { what, args, ...refusal } of CASES) {
  test(`refuses ${what}`, async () => assertRefused(await user.gist(...args, '--json'), refusal));
}

test('refuses an id that a run bears already', async () => {
  await user.json('run', 'spec.json', '--id', 'twin');
  const outcome = await user.gist('run', 'spec.json', '--id', 'twin', '--json');
  assertRefused(outcome, { type: 'RunError', code: 8, says: /a run with the id "twin" is running already/ });
});

test('tells that no Temporal server answers', async () => {
  const away = user.as({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` } });
  const outcome = await away.gist('status', 'nobody', '--json');
  assertRefused(outcome, { type: 'StackError', code: 6, says: /no Temporal server answers at 127/ });
});
