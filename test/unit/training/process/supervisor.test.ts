/** The supervisor against real child processes that behave well and badly. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TrainerCrashError, TrainingError } from '../../../../src/core/errors.js';
import { memoryAdvice, reportsOutOfMemory } from '../../../../src/training/memory.js';
import { superviseTrainer, type TrainerEvent, type TrainerJob } from '../../../../src/training/index.js';

const job = { train: { engine: 'tfjs' }, runId: 'r' } as TrainerJob;
const ref = { prefix: 'p/', kimg: 1, step: 2 };
let folder: string;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-supervisor-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A program of a few lines in the trainer's place. */
async function program(name: string, body: string): Promise<string> {
  const file = path.join(folder, `${name}.mjs`);
  const head = `const say = (event) => console.log(JSON.stringify(event));\nconst ref = ${JSON.stringify(ref)};\n`;
  await writeFile(file, `${head}${body}\n`);
  return file;
}

test('events arrive in order and the last one is the outcome', async () => {
  const events: TrainerEvent[] = [];
  const main = await program(
    'done',
    `
    say({ type: 'started', resumedFrom: null, warnings: [] });
    console.log('not an event');
    say({ type: 'checkpoint', checkpoint: ref, snapshot: true });
    say({ type: 'done', checkpoint: ref });`,
  );
  const outcome = await superviseTrainer(job, { main, onEvent: (event) => events.push(event) });
  assert.deepEqual(outcome, { type: 'done', checkpoint: ref });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['started', 'checkpoint', 'done'],
  );
});

test('an error of the trainer is raised here with its class and its three parts', async () => {
  const main = await program(
    'error',
    `
    say({ type: 'error', name: 'TrainingError', what: 'loss is NaN', where: 'train', hint: 'less glr' });
    process.exit(1);`,
  );
  await assert.rejects(
    superviseTrainer(job, { main }),
    (error) => error instanceof TrainingError && error.hint === 'less glr',
  );
});

test('a trainer that dies without a word is a crash that may be retried, with the last lines of its log', async () => {
  const main = await program(
    'crash',
    `console.error('terminate called'); process.kill(process.pid, 'SIGABRT');`,
  );
  await assert.rejects(
    superviseTrainer(job, { main }),
    (error) =>
      error instanceof TrainerCrashError &&
      error.causeClass === 'worker' &&
      /SIGABRT.*terminate called/.test(error.message),
  );
});

const memory = {
  type: 'memory',
  batch: 64,
  batchGpu: 64,
  resumes: false,
  neededBytes: 9e9,
  availableBytes: 4e9,
  fits: 24,
};

test('a trainer that runs out of memory fails permanently, with the batch that would fit', async () => {
  for (const end of [
    `console.error("what():  std::bad_alloc"); process.kill(process.pid, 'SIGABRT');`,
    `process.kill(process.pid, 'SIGSEGV');`,
  ]) {
    const main = await program('memory', `say(${JSON.stringify(memory)}); ${end}`);
    await assert.rejects(
      superviseTrainer(job, { main }),
      (error) =>
        error instanceof TrainingError &&
        /Set train.batchGpu to 16.* Or set train.batch to 24/.test(error.message),
    );
  }
});

test('memory that ran out after steps may be available later: the training is retried', async () => {
  const progress = { type: 'progress', kimg: 8, step: 125, imagesPerSecond: 9, losses: {} };
  for (const [name, events] of [
    ['later', [memory, progress]],
    ['resumed', [{ ...memory, resumes: true }]],
  ] as const) {
    const lines = events.map((event) => `say(${JSON.stringify(event)});`).join(' ');
    const main = await program(`memory-${name}`, `${lines} process.kill(process.pid, 'SIGSEGV');`);
    await assert.rejects(
      superviseTrainer(job, { main }),
      (error) =>
        error instanceof TrainerCrashError &&
        error.causeClass === 'worker' &&
        /batchGpu to 16/.test(error.message),
    );
  }
});

test('the words in which libraries report a failed allocation are known', () => {
  const oneDnn =
    'Session fail to run with error: Operation received an exception:Status: 1, message: could not create a primitive, in file mkl_conv_grad_input_ops.cc:546';
  const onCards = [
    'Session fail to run with error: Out of memory while trying to allocate 2147483648 bytes.',
    'Dst tensor is not initialized.',
    'Operation unable to allocate output tensor',
    'failed to allocate 8.00GiB from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
    'failed to create cublas handle: CUBLAS_STATUS_ALLOC_FAILED',
  ];
  const onHosts = [oneDnn, 'OOM when allocating tensor', 'std::bad_alloc', 'spawn ENOMEM'];
  for (const text of [...onHosts, ...onCards]) assert.ok(reportsOutOfMemory(text), text);
  const smaller =
    'Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.5GiB. The caller indicates that this is not a failure, but ...';
  assert.ok(!reportsOutOfMemory(smaller));
  assert.ok(!reportsOutOfMemory(oneDnn.replace('Status: 1', 'Status: 3')), 'unimplemented');
});

test('the hint on memory names micro-batches that divide the batch and are smaller than those that failed', () => {
  const advice = (batch: number, batchGpu: number, fits: number) =>
    memoryAdvice({ batch, batchGpu, fits, neededBytes: 0, availableBytes: 0 });
  assert.match(advice(32, 32, 1000), /^Set train\.batchGpu to 16:.*micro-batches\.$/);
  assert.match(advice(24, 24, 10), /^Set train\.batchGpu to 8:.* Or set train\.batch to 10\.$/);
  assert.match(advice(32, 8, 3), /^Set train\.batchGpu to 2:/);
  assert.match(advice(9, 9, 8), /^Set train\.batchGpu to 3:.* Or set train\.batch to 4\.$/);
  assert.match(advice(6, 6, 2), /^Set train\.batchGpu to 2:/);
  assert.match(advice(10, 10, 0), /^Lower cbase and cmax/);
  assert.match(advice(2, 2, 8), /^Lower cbase and cmax/);
  assert.match(advice(36, 12, 100), /^Set train\.batchGpu to 4:.*micro-batches\.$/);
});

test('an exit that claims success without an outcome is a crash', async () => {
  const main = await program('silent', '');
  await assert.rejects(superviseTrainer(job, { main }), TrainerCrashError);
});

test('a trainer that stops being scheduled is killed and reported as hung', async () => {
  const main = await program(
    'hung',
    `
    say({ type: 'alive', operation: 'training' });
    setInterval(() => say({ type: 'alive', operation: 'training' }), 50);`,
  );
  const supervised = superviseTrainer(job, {
    main,
    stallTimeoutMs: 700,
    onSpawn: (pid) => void setTimeout(() => process.kill(pid, 'SIGSTOP'), 400),
  });
  await assert.rejects(
    supervised,
    (error) => error instanceof TrainerCrashError && /sent no event/.test(error.message),
  );
});

const OBEDIENT = `
  setInterval(() => say({ type: 'alive', operation: 'training' }), 50);
  process.stdin.on('data', (line) => {
    if (!String(line).includes('stop')) return;
    say({ type: 'stopped', checkpoint: ref });
    process.exit(75);
  });`;

test('aborting asks the trainer to stop and gives its checkpoint', async () => {
  const main = await program('obedient', OBEDIENT);
  const abort = new AbortController();
  const outcome = superviseTrainer(job, { main, signal: abort.signal, onEvent: () => abort.abort() });
  assert.deepEqual(await outcome, { type: 'stopped', checkpoint: ref });
});

test('a trainer that does not stop within its grace time is killed', async () => {
  const main = await program('deaf', `setInterval(() => say({ type: 'alive', operation: 'x' }), 50);`);
  const abort = new AbortController();
  const outcome = superviseTrainer(job, {
    main,
    signal: abort.signal,
    graceMs: 300,
    onEvent: () => abort.abort(),
  });
  await assert.rejects(
    outcome,
    (error) => error instanceof TrainerCrashError && /did not stop/.test(error.message),
  );
});

test('aborted before the start, no process is started', async () => {
  const outcome = await superviseTrainer(job, { main: '/does/not/exist', signal: AbortSignal.abort() });
  assert.deepEqual(outcome, { type: 'stopped', checkpoint: null });
});

test('a trainer whose supervisor was killed notices and ends', async () => {
  const main = await program(
    'orphan',
    `
    say({ type: 'alive', operation: 'training' });
    setInterval(() => {}, 1000);
    process.stdin.resume().on('end', () => process.exit(76));`,
  );
  const pidFile = path.join(folder, 'pid');
  const supervisor = path.join(folder, 'supervisor.mjs');
  const index = fileURLToPath(new URL('../../../../src/training/index.js', import.meta.url));
  await writeFile(
    supervisor,
    `
    import { writeFileSync } from 'node:fs';
    import { superviseTrainer } from ${JSON.stringify(index)};
    await superviseTrainer(${JSON.stringify(job)}, { main: ${JSON.stringify(main)}, onSpawn: (pid) => writeFileSync(${JSON.stringify(pidFile)}, String(pid)),
      onEvent: () => console.log('up') });`,
  );
  const child = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const pid = Number(await readFile(pidFile, 'utf8'));
  assert.ok(isRunning(pid));
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let tries = 0; tries < 200 && isRunning(pid); tries++) await sleep(50);
  assert.ok(!isRunning(pid));
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
