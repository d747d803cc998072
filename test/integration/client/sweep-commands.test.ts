/** `gist watch`, `retry`, `sweep` and `schedule` on a sweep, and what they refuse. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { asFailure } from '../../../src/activities/failures.js';
import { TrainingError } from '../../../src/core/errors.js';
import { GistUser } from '../../support/gist.js';
import { SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

const NAN = asFailure(new TrainingError({ what: 'a loss is NaN' }), { attempt: 1, elapsedMs: 0 }) as Error;
const PREPROCESS = { name: 'knee', stages: ['preprocess'], preprocess: { source: '/data/knee' } };

let deployment: SimulatedDeployment;
let user: GistUser;
before(async () => {
  deployment = await SimulatedDeployment.start({ shards: 1 });
  user = await GistUser.create(deployment.env);
  writeFileSync(path.join(user.folder, 'knee.json'), JSON.stringify(PREPROCESS));
});
after(async () => {
  await user.leave();
  await deployment.stop();
});

test('a sweep is watched to its end, reported, and its failed run is retried', async () => {
  const run = {
    name: 'knee',
    preprocess: { source: '/data/knee' },
    train: { kimg: 1, snapshotKimg: 1, stopWhen: null },
  };
  deployment.recordOf('watched-100-0').failTraining = NAN;
  await deployment.startSweep('watched', { name: 'sizes', run, sizes: [100, 200], repeats: 1 });
  const watched = await user.gist('watch', 'watched');
  assert.equal(watched.code, 0, watched.stderr);
  assert.match(watched.stderr, /watched-100-0 {2}failed {2}TrainingError: a loss is NaN/);
  assert.match(watched.stdout, /watched: completed;.*gist retry watched/s);

  const { answer } = await user.json<{ answer: string }>('sweep', 'report', 'watched', '--out', 'out');
  assert.match(answer, /nothing to compare yet/);
  const page = readFileSync(path.join(user.folder, 'out/report.html'), 'utf8');
  assert.match(page, /watched-100-0: not finished/, 'the report says what it lacks');

  const ended = await user.gist('sweep', 'add-sizes', 'watched', '--sizes', '300');
  assert.match(ended.stderr, /the sweep has ended.*--id watched/s);
  deployment.recordOf('watched-100-0').failTraining = null;
  const retried = await user.json<{ result: { runs: object } }>('retry', 'watched', '--watch');
  assert.deepEqual(retried.result.runs, { done: 2 });
  assert.equal(deployment.recordOf('watched-200-0').trainActivities, 1, 'what had finished is kept');
});

test('settings are compared from the command line, and the sweep is deleted with its runs', async () => {
  const run = {
    name: 'knee',
    preprocess: { source: deployment.env.GIST_STORE },
    train: { kimg: 1, snapshotKimg: 1, stopWhen: null },
  };
  const spec = { name: 'tuning', run, keys: { 'train.gamma': [4] }, repeats: 1 };
  writeFileSync(path.join(user.folder, 'tuning.json'), JSON.stringify(spec));
  const wrong = ['--set', 'keys={"train.gama":[1]}', '--dry-run'];
  const refused = await user.gist('sweep', 'hyperparameters', 'tuning.json', ...wrong);
  assert.equal(refused.code, 2, refused.stdout);
  assert.match(refused.stderr, /train\.gama: unknown key; did you mean "gamma"/);
  const drawn = await user.json<{ drawn: object[] }>('sweep', 'hyperparameters', 'tuning.json', '--dry-run');
  assert.deepEqual(drawn.drawn, [{ 'train.gamma': 4 }]);

  await (await deployment.startSweep('tuned', spec)).result();
  const { answer, folder } = await user.json<{ answer: string; folder: string }>('sweep', 'report', 'tuned');
  assert.match(answer, /The other setting, train\.gamma = 4, .*Repeats would tell/);
  assert.match(readFileSync(path.join(folder, 'figures/settings.svg'), 'utf8'), /^<svg/);
  const asRun = await user.gist('report', 'tuned');
  assert.match(asRun.stderr, /is a sweep, not a run.*gist sweep report tuned/s);

  const shown = await user.gist('sweep', 'delete', 'tuned');
  assert.match(shown.stdout, /sweep tuned .*would be deleted/);
  assert.ok(await deployment.store.head('sweeps/tuned/spec.json'), 'nothing without --yes');
  const deleted = await user.gist('sweep', 'delete', 'tuned', '--runs', '--yes');
  assert.equal(deleted.code, 0, deleted.stderr);
  for await (const { key } of deployment.store.list('sweeps/tuned/')) assert.fail(key);
  assert.match((await user.gist('sweep', 'delete', 'tuned')).stderr, /has no sweep "tuned"/);
});

test('a schedule starts what was due in a period of the past, and nonsense is refused', async () => {
  const create = (...when: string[]) => user.gist('schedule', 'create', 'yearly', 'knee.json', ...when);
  for (const [option, value] of [
    ['--cron', 'sometimes'],
    ['--every', 'a while'],
  ] as const) {
    const { code, stderr } = await create(option, value);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`${option} ${value}`));
  }
  assert.equal((await create('--cron', '0 2 1 1 *')).code, 0);
  const backfill = (start: string, end: string) =>
    user.gist('schedule', 'backfill', 'yearly', '--start', start, '--end', end);
  for (const [start, end] of [
    ['2026-01-02', '2025-01-01'],
    ['2025-01-01T02:00', '2026-01-02'],
    ['5', '2026-01-02'],
  ] as const)
    assert.equal((await backfill(start, end)).code, 2);
  assert.equal((await backfill('2025-01-01', '2026-01-02')).code, 0);
  for (const year of [2025, 2026])
    await untilSo(async () => {
      const handle = deployment.client.workflow.getHandle(`yearly-${year}-01-01T02:00:00Z`);
      const found = await handle.describe().catch(() => null);
      return found?.status.name === 'COMPLETED';
    });
});
