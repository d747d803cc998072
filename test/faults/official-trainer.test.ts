/**
 * An official trainer that crashes, hangs, runs out of memory or loses its supervisor: what is
 * stored, reported and ended.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TrainerCrashError, TrainingError } from '../../src/core/errors.js';
import { CHECKPOINT_PARTS } from '../../src/checkpoints/manifest.js';
import { EXIT, parseEvent } from '../../src/training/process/messages.js';
import { sha256 } from '../../src/storage/index.js';
import { type Attempt, CHECKOUT, OfficialRig, readReport, untilEnded } from '../support/official-training.js';
import { newest } from '../support/tiny-training.js';

/** Ticks of 3 kimg, and no snapshot to draw a preview of. */
const PLAIN = { spec: { snapshotKimg: 300, stopWhen: null } };

describe('an official trainer under faults', () => {
  let rig: OfficialRig;
  before(async () => {
    rig = await OfficialRig.create();
  });
  after(() => rig.remove());

  const failing = (
    how: string,
    { at = '8', ...options }: { at?: string; env?: Record<string, string> } = {},
  ): Promise<Attempt> =>
    rig.attempt(rig.job(at === '0' ? `${how} at once` : how, PLAIN), { FAIL: how, FAIL_AT: at }, options);

  async function assertAllEnded({ given }: Attempt): Promise<void> {
    assert.ok(given);
    await untilEnded(given.pid, given.helper);
  }

  test('after a crash the error names the cause without a folder, and the next attempt resumes from the newest snapshot', async () => {
    const crashed = await failing('crash');
    const error = crashed.outcome;
    assert.ok(error instanceof TrainerCrashError, String(error));
    assert.match(error.message, /ended by exit code 1\. .*told to crash near .*train\.py/);
    for (const folder of [CHECKOUT, tmpdir(), homedir()]) assert.ok(!error.message.includes(`${folder}/`));
    await assertAllEnded(crashed);
    const kept = await newest(rig.tiny.store, 'crash');
    assert.equal(kept.ref.kimg, 4.004);
    const next = await rig.attempt(rig.job('crash', PLAIN));
    assert.equal(next.given?.resumed, sha256(kept.parts[CHECKPOINT_PARTS.official] ?? new Uint8Array()));
    assert.equal(next.given?.options.kimg, '8');
    const last = await newest(rig.tiny.store, 'crash');
    assert.deepEqual(next.outcome, { type: 'done', checkpoint: last.ref });
    assert.deepEqual([last.ref.kimg, last.ref.step], [12.004, 3001]);
  });

  test('killed, hanging or out of memory, it ends with its child processes, and its snapshots are stored', async () => {
    const [killed, hung, memory, memoryAtOnce] = await Promise.all([
      failing('kill'),
      failing('hang', { env: { GIST_STYLEGAN3_STALL_SECONDS: '2' } }),
      failing('memory'),
      failing('memory', { at: '0' }),
    ]);
    assert.ok(killed.outcome instanceof TrainerCrashError);
    assert.match(killed.outcome.message, /ended by SIGKILL/);
    assert.ok(hung.outcome instanceof TrainerCrashError);
    assert.match(
      hung.outcome.message,
      /ended no tick within 2 s and was killed.*GIST_STYLEGAN3_STALL_SECONDS/,
    );
    // There had been enough of it for some ticks: it is worth another try.
    assert.ok(memory.outcome instanceof TrainerCrashError, String(memory.outcome));
    assert.match(memory.outcome.message, /CUDA out of memory/);
    assert.ok(memoryAtOnce.outcome instanceof TrainingError, String(memoryAtOnce.outcome));
    assert.match(
      memoryAtOnce.outcome.message,
      /train\.batchGpu: .*ran out at 4 images.*Set train\.batchGpu to 2/,
    );
    for (const attempt of [killed, hung, memory, memoryAtOnce]) await assertAllEnded(attempt);
    for (const run of ['kill', 'hang', 'memory'])
      assert.equal((await newest(rig.tiny.store, run)).ref.kimg, 4.004);
  });

  test('on a request to stop it ends at once and its newest snapshot counts', async () => {
    const abort = new AbortController();
    const stopped = await rig.attempt(
      rig.job('stopped', { ...PLAIN, targetKimg: 4000 }),
      { TICK_SECONDS: '0.2' },
      {
        signal: abort.signal,
        onEvent: (event) => event.type === 'progress' && event.kimg > 4 && abort.abort(),
      },
    );
    const kept = await newest(rig.tiny.store, 'stopped');
    assert.deepEqual(stopped.outcome, { type: 'stopped', checkpoint: kept.ref });
    assert.ok(kept.ref.kimg > 4);
    await assertAllEnded(stopped);
  });

  test('a SIGTERM to train.py is a stop when the request follows, and a crash when none does', async () => {
    const abort = new AbortController();
    const [stopped, crashed] = await Promise.all([
      rig.attempt(
        rig.job('terminated with the rest', PLAIN),
        { FAIL: 'terminate', FAIL_AT: '8' },
        {
          signal: abort.signal,
          // What ends a job sends the signal to train.py first, and to the worker a moment later.
          onEvent: (event) =>
            event.type === 'progress' && event.kimg > 4 && setTimeout(() => abort.abort(), 2_000),
        },
      ),
      failing('terminate'),
    ]);
    const kept = await newest(rig.tiny.store, 'terminated with the rest');
    assert.deepEqual(stopped.outcome, { type: 'stopped', checkpoint: kept.ref });
    assert.ok(crashed.outcome instanceof TrainerCrashError, String(crashed.outcome));
    assert.match(crashed.outcome.message, /ended by SIGTERM/);
    for (const attempt of [stopped, crashed]) await assertAllEnded(attempt);
  });

  test('when the trainer process is killed, train.py does not survive it', async () => {
    let trainer = 0;
    const orphaned = await rig.attempt(
      rig.job('orphan', { ...PLAIN, targetKimg: 4000 }),
      { TICK_SECONDS: '0.2' },
      {
        onSpawn: (pid) => {
          trainer = pid;
        },
        onEvent: (event) => event.type === 'progress' && process.kill(trainer, 'SIGKILL'),
      },
    );
    assert.ok(orphaned.outcome instanceof TrainerCrashError);
    await assertAllEnded(orphaned);
  });

  test('when the supervisor ends, the trainer process detects it and ends train.py', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'gist-orphan-'));
    const file = path.join(folder, 'job.json');
    await writeFile(file, JSON.stringify(rig.job('alone', { ...PLAIN, targetKimg: 4000 })));
    const main = fileURLToPath(new URL('../../src/training/process/trainer-process.js', import.meta.url));
    const trainer = spawn(process.execPath, [main, file], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...rig.env({ TICK_SECONDS: '0.2', REPORT: folder }) },
    });
    createInterface({ input: trainer.stdout }).on('line', (line) => {
      if (parseEvent(line)?.type === 'progress') trainer.stdin.end();
    });
    const [code] = (await once(trainer, 'exit')) as [number];
    assert.equal(code, EXIT.orphaned);
    await rm(file);
    const given = await readReport(folder);
    assert.ok(given);
    await untilEnded(given.pid, given.helper);
    await rm(folder, { recursive: true });
  });
});
