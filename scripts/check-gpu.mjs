/**
 * `npm run check:gpu [-- --json] [--toy]`: what a GPU must do as a CPU does, and how fast it is, in
 * at most eight minutes. Without a GPU everything runs at toy size on the CPU.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkTable } from './check-gpu/table.mjs';
import { FAMILIES, sizesOf } from './check-gpu/sizes.mjs';
import { setUpOrExit } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'usage: npm run check:gpu [-- --json] [--toy]\n';
const USAGE_ERROR = 2;
/** Later checks are skipped, and said to be. */
const BUDGET_MS = 8 * 60_000;
/** A check that takes longer than this is ended: XLA may compile for many minutes. */
const CHECK_MS = 150_000;

const flags = process.argv.slice(2);
if (flags.some((flag) => flag !== '--json' && flag !== '--toy')) {
  process.stderr.write(USAGE);
  process.exit(USAGE_ERROR);
}
await setUpOrExit();
const { xlaVariables } = await import('../dist/src/training/xla.js');
const started = performance.now();
const outcome = runChecks(flags.includes('--toy'));
process.stdout.write(
  flags.includes('--json') ? `${JSON.stringify(outcome, null, 2)}\n` : checkTable(outcome),
);
process.exitCode = outcome.passed ? 0 : 1;

function runChecks(isToy) {
  const card = isToy ? null : findCard();
  const sizes = sizesOf(card !== null);
  const parity = sizes.filterForms.map((form) => ({ form, ...checkParity(form) }));
  const trainings = judge(measured('trainings', 'trainings.js', sizes.trainings, {}), {
    ...sizes.trainings,
    isGpu: card !== null,
  });
  const timed = (rows) => rows.map((row) => timeRow(row, card !== null));
  const published = timed(sizes.steps.slice(0, FAMILIES.length));
  const official = checkOfficial(sizes);
  const steps = [...published, ...timed(sizes.steps.slice(FAMILIES.length))];
  const passed =
    parity.every(({ agrees }) => agrees) &&
    trainings.passed &&
    steps.some(({ failed, imagesPerSecond }) => !failed && imagesPerSecond > 0);
  return { card, date: new Date().toISOString().slice(0, 10), passed, parity, trainings, steps, official };
}

/** Name, memory in MiB and driver of the first card; null without one. */
function findCard() {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) return null;
  const [name, memoryMiB, driver] = stdout.trim().split('\n')[0].split(', ');
  return { name, memoryMiB: Number(memoryMiB), driver };
}

/** With a library for CPUs, the figures of a row would not be the card's. */
function timeRow({ name, form, xla, ...job }, isGpu) {
  const result = measured(name, 'step-times.js', job, { GIST_FILTER_FORM: form, ...xlaVariables(xla) });
  const wrong = isGpu && result.device === 'CPU' && { failed: 'the library computes on the CPU' };
  return { name, form, xla, ...result, ...wrong };
}

/** A resumption changes no byte on a CPU; on a GPU, the order of atomic additions may differ. */
function judge(trainings, { leastCosine, isGpu }) {
  if (trainings.failed) return { ...trainings, passed: false };
  const { halfGradients, resumed, repeated } = trainings;
  const isSame = isGpu
    ? repeated.largestDifference < 0.05
    : repeated.largestDifference === 0 && resumed.differing === 0;
  const { killedAt, resumedFrom } = resumed;
  const gradientsAgree = Math.min(halfGradients.G, halfGradients.D) >= leastCosine;
  const resumes =
    isSame && killedAt.length > 0 && resumedFrom.length === 2 && repeated.resumedFrom.length === 1;
  return { ...trainings, gradientsAgree, resumes, passed: gradientsAgree && resumes };
}

function checkParity(form) {
  const folder = path.join(ROOT, 'test/parity/networks');
  const run = runProgram(`parity, ${form}`, ['scripts/parity.mjs', 'networks', folder], {
    GIST_FILTER_FORM: form,
  });
  if (run.failed && !run.stdout) return { agrees: false, failed: run.failed };
  const errors = [...run.stdout.matchAll(/ (\d\.\de[-+]\d+) {2}(ok|over)/g)].map(([, error]) =>
    Number(error),
  );
  return { agrees: !run.failed && errors.length > 0, largestError: Math.max(...errors) };
}

/** Seconds per kimg of the user's checkout of the official trainer, when there is one. */
function checkOfficial({ official }) {
  if (!process.env.GIST_STYLEGAN3_DIR) return null;
  return measured('official trainer', 'official.js', official, {});
}

/** The last line of a program, parsed; or why there is none. */
function measured(name, file, job, env) {
  const run = runProgram(name, [path.join('dist/bench/gpu', file), JSON.stringify(job)], env);
  return run.failed ? { failed: run.failed } : JSON.parse(run.stdout.trim().split('\n').at(-1));
}

function runProgram(name, args, env) {
  const left = BUDGET_MS - (performance.now() - started);
  if (left <= 0) return { failed: 'skipped: eight minutes are over' };
  process.stderr.write(`check:gpu: ${name}\n`);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 26,
    timeout: Math.min(left, CHECK_MS),
    killSignal: 'SIGKILL',
  });
  if (status === 0) return { stdout };
  const reason = signal ? `ended after ${CHECK_MS / 1000} s at most` : lastLine(stderr);
  return { stdout, failed: reason };
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) || 'ended without a message';
}
