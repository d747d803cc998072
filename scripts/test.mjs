/**
 * Runs the compiled tests, each file in a separate process. The last line is `N passed, N failed`.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SUITES = ['unit', 'parity', 'integration', 'faults'];
/** Concurrent files: one more than two CPUs, since files that kill servers mostly wait. */
const FILES_AT_ONCE = 3;
/**
 * The longest files start first, so that no CPU is idle at the end; those that mostly wait come
 * first.
 */
const LONGEST_FIRST = [
  'faults/pipeline/',
  'integration/stack/stack',
  'faults/trainer',
  'integration/bench/',
  'integration/weights/transfer',
  'faults/setup',
  'integration/training/precision',
  'faults/stylegan3',
  'integration/stack/',
  'faults/augmentation',
  'integration/pipeline/',
  'integration/workflows/',
  'unit/setup/',
  'faults/',
  'integration/',
  'unit/gan/loss/',
];
const FILE_MINUTES = 20;
/** Number of the slowest files that are listed at the end. */
const SLOWEST = 12;
/** Maximum number of lines per failure in the summary. */
const FAILURE_LINES = 12;
const USAGE = `usage: npm test -- [WORD ...] [--suite ${SUITES.join('|')}] [--minutes N]
  WORD       only files whose path contains one of the words, as in: npm test -- imaging faults/pipeline
  --suite    only this suite; may be repeated
  --minutes  time limit of one file (default: ${FILE_MINUTES})
`;

const { words, suites, minutes } = options();
const files = suites.flatMap(filesOf).sort((a, b) => rank(a) - rank(b));
if (files.length === 0) {
  process.stderr.write('no test file matches\n');
  process.exit(1);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const secondsOf = new Map();
const failures = [];
const waiting = [...files];
await Promise.all(Array.from({ length: FILES_AT_ONCE }, runWaiting));
conclude();

async function runWaiting() {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await runFile(file);
}

/**
 * Runs each file separately: a single run would delay output until all earlier files have ended.
 */
async function runFile(file) {
  const started = performance.now();
  const events = run({ files: [file], timeout: minutes * 60_000 });
  events.on('test:pass', ({ skip, details }) => {
    if (details?.type !== 'suite') counts[skip === undefined || skip === false ? 'passed' : 'skipped']++;
  });
  // A test that fails because of its subtests is not counted again. A crash or timeout of a file
  // counts once.
  events.on('test:fail', (test) => {
    if (test.details?.error?.failureType === 'subtestsFailed') return;
    counts.failed++;
    failures.push(failure(test));
  });
  // Output of a file is not interleaved; the totals of all files are printed at the end.
  const own = events.filter(({ type, data }) => type !== 'test:diagnostic' || data.nesting > 0);
  process.stdout.write(await text(own.compose(new spec())));
  secondsOf.set(nameOf(file), (performance.now() - started) / 1000);
}

/** Index in {@link LONGEST_FIRST}; other files come last. */
function rank(file) {
  const index = LONGEST_FIRST.findIndex((start) => nameOf(file).startsWith(start));
  return index < 0 ? LONGEST_FIRST.length : index;
}

/** Summary of a failure. Failures are repeated at the end, since long logs are often truncated. */
function failure({ name, file, line, details }) {
  const lines = reason(details?.error)
    .split('\n')
    .filter((text) => !text.includes('node:internal'))
    .slice(0, FAILURE_LINES);
  return `\n  ${nameOf(file)}:${line ?? ''} ${name}\n${lines.map((text) => `    ${text}\n`).join('')}`;
}

function reason({ cause, message, exitCode, signal } = {}) {
  if (cause !== undefined) return typeof cause === 'string' ? cause : inspect(cause);
  if (signal) return `its process was ended by ${signal}`;
  return exitCode ? `its process ended with code ${exitCode}; the reason is printed above` : String(message);
}

function nameOf(file) {
  return path.relative(path.join(ROOT, 'dist/test'), file ?? ROOT).replace(/\.js$/, '');
}

function slowest() {
  const files = [...secondsOf].sort(([, a], [, b]) => b - a).slice(0, SLOWEST);
  return files.map(([name, seconds]) => `${seconds.toFixed(0).padStart(6)} s  ${name}\n`).join('');
}

function conclude() {
  process.stdout.write(`\nslowest files:\n${slowest()}`);
  if (failures.length > 0) process.stdout.write(`\nfailures:\n${failures.join('')}`);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

function options() {
  const known = {
    suite: { type: 'string', multiple: true },
    minutes: { type: 'string' },
    help: { type: 'boolean' },
  };
  try {
    const { values, positionals } = parseArgs({ options: known, allowPositionals: true });
    if (values.help) throw new Error('');
    const suites = values.suite ?? SUITES;
    for (const suite of suites) if (!SUITES.includes(suite)) throw new Error(`there is no suite ${suite}`);
    const minutes = Number(values.minutes ?? FILE_MINUTES);
    if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${values.minutes}`);
    return { words: positionals, suites, minutes };
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}`.trimStart());
    process.exit(error.message === '' ? 0 : 2);
  }
}

function filesOf(suite) {
  return testFiles(path.join('test', suite))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .map((file) => path.join(ROOT, 'dist', file.replace(/\.ts$/, '.js')));
}

/** Test files by their sources: compiled files of removed tests are ignored. */
function testFiles(folder) {
  if (!existsSync(path.join(ROOT, folder))) return [];
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const place = path.join(folder, entry.name);
      return entry.isDirectory() ? testFiles(place) : entry.name.endsWith('.test.ts') ? [place] : [];
    })
    .sort();
}
