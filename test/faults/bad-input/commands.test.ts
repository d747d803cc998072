/**
 * Commands refuse runs that do not exist, invalid values, and sets that are too small to measure.
 */
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
  // These commands do not read the store; setting it prevents a start of the embedded one.
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
    name: `\`gist ${command}\` refuses a run that does not exist`,
    args: [command, 'nobody'],
    ...unknown,
  })),
  {
    name: '`gist extend` refuses a run that does not exist',
    args: ['extend', 'nobody', '--kimg', '9'],
    ...unknown,
  },
  {
    name: '`gist logs` refuses a run without a line in the log',
    args: ['logs', 'nobody'],
    type: 'RunError',
    code: 8,
    says: /log has no line of "nobody"/,
  },
  {
    name: '`gist extend` refuses a length that is not a number',
    args: ['extend', 'x', '--kimg', 'long'],
    ...usage(/--kimg long/),
  },
  {
    name: '`gist logs` refuses a number of lines that is not a number',
    args: ['logs', 'x', '-n', 'all'],
    ...usage(/--lines all/),
  },
  {
    name: '`gist generate` refuses seeds that are not numbers',
    args: generate('--seeds', 'lucky'),
    ...usage(/--seeds lucky/),
  },
  {
    name: '`gist generate` refuses too many seeds',
    args: generate('--seeds', '0-99999999'),
    ...usage(/--seeds 0-99999999/),
  },
  {
    name: '`gist generate` refuses a truncation out of range',
    args: generate('--psi', '-1'),
    ...usage(/--psi -1 is not between 0 and 2/),
  },
  {
    name: '`gist generate` refuses a folder without a checkpoint',
    args: generate('--seeds', '0'),
    type: 'CheckpointError',
    code: 4,
    says: /no checkpoint|manifest/,
  },
  {
    name: '`gist dataset build` refuses a resolution that is not a number',
    args: ['dataset', 'build', 'two', '--out', 'out', '--resolution', 'big'],
    type: 'SpecError',
    code: 2,
    says: /--resolution \(preprocess\.resolution\): must be/,
  },
  {
    name: '`gist dataset inspect` refuses a data set that does not exist',
    args: ['dataset', 'inspect', 'none'],
    type: 'DatasetError',
    code: 3,
    says: /there is no finished data set/,
  },
  {
    name: '`gist metrics` refuses a set of a single image',
    args: ['metrics', '--real', 'two', '--fake', 'one'],
    type: 'DatasetError',
    code: 3,
    says: /one: only 1 readable image/,
  },
  {
    name: '`gist metrics` refuses an empty folder',
    args: ['metrics', '--real', 'none', '--fake', 'two'],
    type: 'SourceMissingError',
    code: 3,
    says: /none: is an empty folder/,
  },
];

for (const { name, args, ...refusal } of CASES) {
  test(name, async () => assertRefused(await user.gist(...args, '--json'), refusal));
}

test('`gist run` refuses the id of a running run', async () => {
  await user.json('run', 'spec.json', '--id', 'twin');
  const outcome = await user.gist('run', 'spec.json', '--id', 'twin', '--json');
  assertRefused(outcome, { type: 'RunError', code: 8, says: /a run with the id "twin" is running already/ });
});

test('`gist status` reports that no Temporal server answers', async () => {
  const away = user.as({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` } });
  const outcome = await away.gist('status', 'nobody', '--json');
  assertRefused(outcome, { type: 'StackError', code: 6, says: /no Temporal server answers at 127/ });
});
