/** Files that train.py leaves, read while it writes them. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { continuedLine, countersAt, INITIAL_COUNTERS } from '../../../../src/training/official/progress.js';
import { meanOf, parseTick, RunFolder } from '../../../../src/training/official/run-folder.js';

const line = (kimg: number, extra = '') =>
  `{"Progress/tick": {"num": 1, "mean": 1, "std": 0}, "Progress/kimg": {"num": 1, "mean": ${kimg}, "std": 0}${extra}, "timestamp": 1.5}\n`;

describe('the run folder of train.py', () => {
  let outdir: string;
  let run: string;
  let folder: RunFolder;
  beforeEach(async () => {
    outdir = await mkdtemp(path.join(tmpdir(), 'gist-run-'));
    run = path.join(outdir, '00000-stylegan2-knee-gpus1');
    folder = new RunFolder(outdir);
  });
  afterEach(() => rm(outdir, { recursive: true, force: true }));

  test('each tick is returned once, and only when its line is complete', async () => {
    const kimgs = async () => (await folder.newTicks()).map(({ kimg }) => kimg);
    assert.deepEqual(await kimgs(), []);
    await mkdir(run);
    assert.deepEqual(await kimgs(), []);
    const stats = path.join(run, 'stats.jsonl');
    const third = line(8.032);
    await writeFile(stats, line(0.032) + line(4.032) + third.slice(0, 30));
    assert.deepEqual(await kimgs(), [0.032, 4.032]);
    assert.deepEqual(await kimgs(), []);
    await appendFile(stats, `${third.slice(30)}not a line of statistics\n`);
    assert.deepEqual(await kimgs(), [8.032]);
  });

  test('snapshots that nobody asks for are removed, but none that came since', async () => {
    await mkdir(run);
    const names = ['000000', '000004', '000008', '000012'].map((kimg) => `network-snapshot-${kimg}.pkl`);
    for (const name of [...names, 'fakes000004.png', 'fakes_init.png', 'log.txt'])
      await writeFile(path.join(run, name), 'x');
    await folder.newTicks();
    await folder.removeBefore('network-snapshot-000008.pkl', new Set(['network-snapshot-000000.pkl']));
    assert.deepEqual((await readdir(run)).sort(), [
      'fakes_init.png',
      'log.txt',
      'network-snapshot-000000.pkl',
      'network-snapshot-000008.pkl',
      'network-snapshot-000012.pkl',
    ]);
    assert.equal(await folder.readSnapshot('network-snapshot-000004.pkl'), null);
    assert.equal((await folder.readSnapshot('network-snapshot-000008.pkl'))?.byteLength, 1);
  });

  test('a snapshot is named by whole kimg, whatever binary fractions make of them', () => {
    assert.equal(RunFolder.snapshotName({ kimg: 40.032 }), 'network-snapshot-000040.pkl');
    assert.equal(RunFolder.snapshotName({ kimg: 7.999999999 }), 'network-snapshot-000008.pkl');
  });
});

test('statistics that are not finite are read as absent', () => {
  const tick = parseTick(
    line(
      4,
      ', "Loss/G/loss": {"num": 8, "mean": NaN, "std": -Infinity}, "Loss/NaN": {"num": 1, "mean": 2, "std": 0}',
    ),
  );
  assert.ok(tick);
  assert.equal(meanOf(tick.record, 'Loss/G/loss'), null);
  assert.equal(meanOf(tick.record, 'Loss/NaN'), 2);
  assert.equal(parseTick('{"Progress/kimg": {"mean": "x"}}'), null);
});

test('a later attempt counts on where the one before it ended', () => {
  const tick = parseTick(line(4.032, ', "Timing/total_sec": {"num": 1, "mean": 30, "std": 0}'));
  assert.ok(tick);
  const base = {
    ...INITIAL_COUNTERS,
    step: 100,
    images: 3200,
    seconds: 50,
    tick: { ...INITIAL_COUNTERS.tick, index: 2 },
  };
  const counters = countersAt(base, tick, 1, 32);
  assert.deepEqual([counters.step, counters.images, counters.seconds], [226, 7232, 80]);
  const continued = parseTick(continuedLine(tick.record, counters));
  assert.equal(continued?.kimg, 7.232);
  assert.equal(meanOf(continued.record, 'Progress/tick'), 3);
  assert.equal(meanOf(continued.record, 'Timing/total_sec'), 80);
  assert.equal(meanOf(continued.record, 'timestamp'), 1.5);
});
