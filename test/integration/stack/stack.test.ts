/**
 * The commands of the embedded stack with real servers: start, ports, restarts after kills, stop.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { writePhantoms } from '../../../examples/phantoms/index.js';
import type { PipelineResult } from '../../../src/spec/results.js';
import type { RunProgress } from '../../../src/spec/controls.js';
import { exists, GistUser } from '../../support/gist.js';
import { TINY_TRAIN, until } from '../../support/rig.js';

type Parts = { part: string; state: string; pid: number | null; address: string | null }[];
type Status = { parts: Parts; runs: { runId: string; status: string }[] };

const ALL = ['s3', 'supervisor', 'temporal', 'worker'];
let user: GistUser;
let other: GistUser;

before(async () => {
  user = await GistUser.create();
  other = await GistUser.create({ GIST_GRACE: '7s' });
});

after(async () => {
  await user.leave();
  await other.leave();
});

test('two concurrent `gist up` start one stack, and a third changes nothing', async () => {
  const [first, second] = await Promise.all([user.json<Parts>('up'), user.json<Parts>('up')]);
  const pids = (parts: Parts) => Object.fromEntries(parts.map(({ part, pid }) => [part, pid]));
  assert.deepEqual(pids(first), pids(second));
  assert.deepEqual(Object.keys(pids(first)).sort(), ALL);
  assert.ok(
    first.every(({ state }) => state === 'serving'),
    JSON.stringify(first),
  );
  assert.deepEqual(pids(await user.json<Parts>('up')), pids(first));
});

test('the file with the credentials is for its owner only', () => {
  assert.equal(statSync(path.join(user.home, 'stack.json')).mode & 0o777, 0o600);
});

test('stacks of two state folders run at the same time on different ports', async () => {
  await other.json('up');
  const { graceMs } = JSON.parse(readFileSync(path.join(other.home, 'stack.json'), 'utf8')) as {
    graceMs: number;
  };
  assert.equal(graceMs, 7_000, 'a later `gist down` knows the grace time of the worker');
  const address = async (one: GistUser, part: string) =>
    (await one.json<Status>('status')).parts.find((p) => p.part === part)?.address;
  for (const part of ['temporal', 's3'])
    assert.notEqual(await address(user, part), await address(other, part));
  const before = await user.pids();
  assert.equal((await other.gist('down')).code, 0);
  await until('all of it serves', async () =>
    (await user.json<Status>('status')).parts.every(({ state }) => state === 'serving'),
  );
  assert.deepEqual(await user.pids(), before);
});

test('every part is restarted after SIGKILL and keeps earlier runs and data', async () => {
  const source = path.join(user.folder, 'phantoms');
  await writePhantoms({ folder: source, count: 20, seed: 0 });
  const { runId, stages } = await startPreprocessing();
  for (const part of ['worker', 's3', 'temporal']) {
    const before = (await user.pids())[part] as number;
    process.kill(before, 'SIGKILL');
    await until(`${part} is back`, async () => {
      const { parts } = await user.json<Status>('status');
      const now = parts.find((p) => p.part === part);
      return now?.state === 'serving' && now.pid !== before;
    });
  }
  // Temporal writes its list of runs a little later than the runs themselves, and was killed in
  // between.
  await until('the run is listed as completed', async () => {
    const { runs } = await user.json<Status>('status');
    return runs.length === 1 && runs[0]?.runId === runId && runs[0].status === 'completed';
  });
  const dataset = await user.json<{ images: object }>(
    'dataset',
    'inspect',
    `s3://gist/${stages.preprocess?.dataset.prefix}`,
  );
  assert.deepEqual(dataset.images, stages.preprocess?.dataset.images);
});

async function startPreprocessing(): Promise<PipelineResult> {
  await writeFile(
    path.join(user.folder, 'spec.yaml'),
    'name: tiny\npreprocess:\n  source: phantoms\n  resolution: 16\n',
  );
  const args = ['--stages', 'preprocess', '--set', 'preprocess.shardImages=8', '--watch'];
  return user.json<PipelineResult>('run', 'spec.yaml', ...args);
}

test('Ctrl-C does not stop a run; another watcher sees its end despite a kill of the Temporal server', async () => {
  const runId = 'watched';
  const spec = {
    name: 'watched',
    stages: ['preprocess', 'train'],
    preprocess: { source: 'phantoms', resolution: 16 },
    train: TINY_TRAIN,
  };
  await writeFile(path.join(user.folder, 'watched.json'), JSON.stringify(spec));
  const stays = user.begin('run', 'watched.json', '--id', runId, '--watch', '--json');
  await until(
    'the training runs',
    async () => (await user.json<RunProgress>('status', runId)).stages.train === 'running',
  );
  const leaves = user.begin('watch', runId);
  leaves.child.stderr?.once('data', () => leaves.child.kill('SIGINT'));
  const left = await leaves.outcome;
  assert.equal(left.code, 130);
  assert.match(left.stderr, /gist watch watched/);
  process.kill((await user.pids()).temporal as number, 'SIGKILL');
  const { code, stdout, stderr } = await stays.outcome;
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as PipelineResult).stages.train?.ended, 'complete');
});

test('`gist generate` reproduces the images of a run, and `gist logs` reports its checkpoints', async () => {
  const { train } = await user.json<RunProgress>('status', 'watched');
  const checkpoint = train?.lastCheckpoint?.prefix ?? '';
  const make = (out: string, ...args: string[]) =>
    user.json<{ images: { seed: number; class: string; file: string }[] }>(
      ...(['generate', '--checkpoint', checkpoint, '--seeds', '3,7', '--out', out, ...args] as const),
    );
  const { images } = await make('first');
  assert.deepEqual(
    images.map(({ seed, class: name }) => [seed, name]),
    [
      [3, 'grade-3'],
      [7, 'grade-2'],
    ],
  );
  const again = await make('second', '--class', 'grade-2');
  const bytes = (file: string | undefined) => readFileSync(path.join(user.folder, file ?? ''));
  assert.deepEqual(bytes(again.images[1]?.file), bytes(images[1]?.file));
  assert.notDeepEqual(bytes(again.images[0]?.file), bytes(images[0]?.file));
  assert.equal(
    (await user.gist('generate', '--checkpoint', checkpoint, '--class', 'grade-9', '--out', 'third')).code,
    2,
  );
  assert.match((await user.gist('logs', 'watched')).stdout, /checkpoint .*watched/);
});

test('`gist up` repairs a stack whose supervisor was killed and keeps its running parts', async () => {
  const before = await user.pids();
  process.kill(before.supervisor as number, 'SIGKILL');
  await until('the supervisor is gone', async () => !exists(before.supervisor as number));
  await user.json('up');
  const { supervisor: old, ...parts } = before;
  const { supervisor, ...same } = await user.pids();
  assert.deepEqual(same, parts);
  assert.notEqual(supervisor, old);
});

test('`gist down` ends all processes, and after `gist up` earlier runs are listed', async () => {
  const pids = Object.values(await user.pids());
  assert.equal(pids.length, ALL.length);
  assert.equal((await user.gist('down')).code, 0);
  assert.deepEqual(pids.filter(exists), []);
  assert.equal((await user.gist('down')).code, 0);
  await user.json('up');
  assert.equal((await user.json<Status>('status')).runs.length, 2);
});

test('with servers of the user no server is started', async () => {
  const own = await GistUser.create({
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  });
  try {
    const parts = await own.json<Parts>('up');
    assert.deepEqual(
      parts.map(({ state }) => state),
      ['yours', 'yours', 'yours', 'yours'],
    );
    const { code, stderr } = await own.gist('status', 'some-run');
    assert.equal(code, 6);
    assert.match(stderr, /no Temporal server answers at 127\.0\.0\.1:1/);
  } finally {
    await own.leave();
  }
});
