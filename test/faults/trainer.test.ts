/**
 * Trainings that are killed, stopped, overtaken by another attempt, or have corrupt checkpoints.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CheckpointError,
  CheckpointLostError,
  StaleAttemptError,
  TrainerCrashError,
} from '../../src/core/errors.js';
import { findAttempt, findAttemptLog, listAttempts, listSnapshots } from '../../src/checkpoints/index.js';
import {
  superviseTrainer,
  type TrainerEvent,
  type TrainerJob,
  type TrainingOutcome,
} from '../../src/training/index.js';
import { newest, type TinyTraining, timelessStats, tinyTraining, weights } from '../support/tiny-training.js';

type Of<Type extends TrainerEvent['type']> = Extract<TrainerEvent, { type: Type }>;

describe('a training under faults', () => {
  let tiny: TinyTraining;
  let caches: string;
  let uninterrupted: { weights: Record<string, string>; stats: unknown[]; snapshots: number[] };

  before(async () => {
    tiny = await tinyTraining();
    caches = await mkdtemp(path.join(tmpdir(), 'gist-caches-'));
    // With a graph that it records itself.
    const env = { GIST_DATA_CACHE: path.join(caches, 'uninterrupted') };
    await superviseTrainer(tiny.job('uninterrupted', { spec: { checkpointMinutes: 1000 } }), { env });
    uninterrupted = await results('uninterrupted');
    assert.deepEqual(uninterrupted.snapshots, [20, 40, 60]);
  });
  after(async () => {
    await tiny.remove();
    await rm(caches, { recursive: true, force: true });
  });

  async function graphFiles(folder: string): Promise<{ file: string; ino: number }[]> {
    const files = (await readdir(folder)).map((name) => path.join(folder, name));
    return Promise.all(files.map(async (file) => ({ file, ino: (await stat(file)).ino })));
  }

  async function results(runId: string): Promise<typeof uninterrupted> {
    const snapshots = (await listSnapshots(tiny.store, runId)).map(({ step }) => step);
    return {
      weights: await weights(tiny.store, runId),
      stats: await timelessStats(tiny.store, runId),
      snapshots,
    };
  }

  /** Runs one attempt; `disturb` hears every event together with the trainer's process id. */
  async function attempt(
    job: TrainerJob,
    disturb: (event: TrainerEvent, pid: number) => void,
    signal?: AbortSignal,
  ) {
    let pid = 0;
    const events: TrainerEvent[] = [];
    const outcome = superviseTrainer(job, {
      signal,
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onEvent: (event) => {
        events.push(event);
        disturb(event, pid);
      },
    });
    return { outcome: await outcome.catch((error: unknown) => error), events };
  }

  const startOf = (events: TrainerEvent[]) =>
    events.find((event): event is Of<'started'> => event.type === 'started');
  const fileOf = (key: string) => path.join(fileURLToPath(tiny.store.uri), key);

  test('killed at random moments, it ends with byte-identical weights, the same statistics and snapshots', async () => {
    let kills = 0;
    for (;;) {
      // In turns before the attempt has stored anything, and after it has: the training gets ahead.
      const moment = kills % 2 === 0 ? 'started' : 'checkpoint';
      const { outcome } = await attempt(tiny.job('killed'), ({ type }, pid) => {
        if (type === moment && kills < 5) setTimeout(() => tryKill(pid), Math.random() * 100);
      });
      if (!(outcome instanceof TrainerCrashError)) break;
      kills++;
    }
    assert.deepEqual(await results('killed'), uninterrupted);
    assert.ok(kills >= 3, `${kills} kills`);
    const attempts = await listAttempts(tiny.store, 'killed');
    assert.equal(attempts.length, kills + 1);
    for (const number of attempts)
      assert.match((await findAttemptLog(tiny.store, 'killed', number)) ?? '', /training claimed/);
    // Those that were killed at once have no record.
    const records = await Promise.all(attempts.map((number) => findAttempt(tiny.store, 'killed', number)));
    assert.equal(records.at(-1)?.attempt, attempts.at(-1));
  });

  test('killed, it resumes with the graph that its first attempt has recorded, to the bytes of one that never read it', async () => {
    const env = { GIST_DATA_CACHE: path.join(caches, 'killed') };
    const graphs = path.join(env.GIST_DATA_CACHE, 'graphs');
    let pid = 0;
    const onSpawn = (spawned: number) => {
      pid = spawned;
    };
    const onEvent = (event: TrainerEvent) => {
      if (event.type === 'checkpoint') process.kill(-pid, 'SIGKILL');
    };
    await assert.rejects(superviseTrainer(tiny.job('kept'), { env, onSpawn, onEvent }), TrainerCrashError);
    const recorded = await graphFiles(graphs);
    for (const { file } of recorded) await utimes(file, 0, 0);
    await superviseTrainer(tiny.job('kept'), { env });
    for (const { file, ino } of recorded) {
      const now = await stat(file);
      assert.equal(now.ino, ino, 'it was not written again');
      assert.ok(now.mtimeMs > 0, 'it was read');
    }
    assert.ok(recorded.length > 0);
    assert.deepEqual(await weights(tiny.store, 'kept'), uninterrupted.weights);
  });

  test('stopped by request, the next attempt resumes at that step; signals of its job do not stop it', async () => {
    const abort = new AbortController();
    const requested = await attempt(
      tiny.job('stopped'),
      (event) => event.type === 'checkpoint' && abort.abort(),
      abort.signal,
    );
    const first = await newest(tiny.store, 'stopped');
    assert.deepEqual(requested.outcome, { type: 'stopped', checkpoint: first.ref });
    const last = await attempt(tiny.job('stopped'), (event, pid) => {
      if (event.type !== 'started') return;
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR1'] as const) process.kill(pid, signal);
    });
    assert.deepEqual(startOf(last.events)?.resumedFrom, first.ref);
    assert.deepEqual(await results('stopped'), uninterrupted);
  });

  test('a newest checkpoint with a flipped bit is skipped with a warning, and training resumes from the one before', async () => {
    await attempt(tiny.job('flipped', { targetKimg: 0.16 }), () => undefined);
    const { ref, manifest } = await newest(tiny.store, 'flipped');
    const file = fileOf(`${ref.prefix}${manifest.parts['D.safetensors']?.key}`);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 4;
    await writeFile(file, bytes);
    const { events } = await attempt(tiny.job('flipped'), () => undefined);
    const started = startOf(events);
    assert.ok(started?.resumedFrom && started.resumedFrom.step < ref.step);
    assert.match(started.warnings.join(), /D\.claim\d+\.safetensors does not match its checksum/);
    assert.deepEqual((await results('flipped')).weights, uninterrupted.weights);
  });

  test('with a torn manifest and no other checkpoint it does not start, until the manifest is put back', async () => {
    await attempt(tiny.job('torn', { targetKimg: 0.08, spec: { checkpointMinutes: 1000 } }), () => undefined);
    const { ref } = await newest(tiny.store, 'torn');
    const manifest = fileOf(`${ref.prefix}manifest.json`);
    const bytes = await readFile(manifest);
    await truncate(manifest, 100);
    const { outcome, events } = await attempt(tiny.job('torn'), () => undefined);
    assert.equal(startOf(events), undefined);
    assert.ok(outcome instanceof CheckpointLostError && /torn/.test(outcome.what), String(outcome));
    await writeFile(manifest, bytes);
    await attempt(tiny.job('torn'), () => undefined);
    assert.deepEqual(await weights(tiny.store, 'torn'), uninterrupted.weights);
  });

  test('whose checkpoints are all gone it does not start from scratch while the run knows of one', async () => {
    const expected = { prefix: 'runs/gone/train/checkpoint-1/', kimg: 0.08, step: 20 };
    const { outcome, events } = await attempt(tiny.job('gone', { expected }), () => undefined);
    assert.equal(startOf(events), undefined);
    assert.ok(outcome instanceof CheckpointLostError, String(outcome));
    assert.equal(outcome.where, expected.prefix);
  });

  test('an attempt that is overtaken stops and leaves the checkpoints of the later one as they are', async () => {
    // Without an end, and without a checkpoint until it is stopped: that one comes too late.
    const older = tiny.job('overtaken', {
      targetKimg: 1e6,
      spec: { snapshotKimg: 1e6, checkpointMinutes: 1e6 },
    });
    const overtaken = new AbortController();
    let newer: Promise<TrainingOutcome> | undefined;
    const onEvent = ({ type }: TrainerEvent) => type === 'checkpoint' && overtaken.abort();
    const overtake = () =>
      superviseTrainer(tiny.job('overtaken'), { onEvent }).finally(() => overtaken.abort());
    const { outcome } = await attempt(
      older,
      ({ type }) => {
        if (type === 'progress') newer ??= overtake();
      },
      overtaken.signal,
    );
    assert.ok(outcome instanceof StaleAttemptError, String(outcome));
    assert.equal((await newer)?.type, 'done');
    assert.deepEqual((await results('overtaken')).weights, uninterrupted.weights);
    await assert.rejects(superviseTrainer({ ...older, targetKimg: 1 }), StaleAttemptError);
  });

  test('a run does not resume from a checkpoint of another configuration', async () => {
    const job = tiny.job('uninterrupted', { spec: { cmax: 4 } });
    await assert.rejects(
      superviseTrainer(job),
      (error) => error instanceof CheckpointError && /network\.cmax = 8.*wants 4/.test(error.message),
    );
    assert.deepEqual(await weights(tiny.store, 'uninterrupted'), uninterrupted.weights);
  });

  test('a finished training that is extended resumes; otherwise it has nothing to do', async () => {
    const again = await attempt(tiny.job('uninterrupted'), () => undefined);
    assert.deepEqual(again.outcome, {
      type: 'done',
      checkpoint: (await newest(tiny.store, 'uninterrupted')).ref,
    });
    const extended = await attempt(tiny.job('uninterrupted', { targetKimg: 0.28 }), () => undefined);
    assert.equal((extended.outcome as { checkpoint: { step: number } }).checkpoint.step, 70);
  });
});

function tryKill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended before.
  }
}
