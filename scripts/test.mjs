/** Runs the compiled tests, each file in a process of its own, and ends with the line `N passed, N failed`. */
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Quick ones first, so that a plain mistake is seen early. */
const SUITES = ['unit', 'parity', 'integration', 'faults'];
/** Files at once. The others start servers and kill them, and TensorFlow takes all processors by itself. */
const AT_ONCE = { unit: 2, integration: 2 };
const FILE_MINUTES = 20;
/** Files that are named at the end for the time they took. */
const SLOWEST = 12;
/** Lines of a failure that are repeated at the end. */
const FAILURE_LINES = 12;
const USAGE = `usage: npm test -- [WORD ...] [--suite ${SUITES.join('|')}] [--minutes N]
  WORD       only files whose path contains one of the words, as in: npm test -- imaging faults/pipeline
  --suite    only this suite; may be repeated
  --minutes  how long one file may take (${FILE_MINUTES})
`;

const { words, suites, minutes } = options();
const groups = suites.map((suite) => ({ files: filesOf(suite), atOnce: AT_ONCE[suite] ?? 1 }));
if (groups.every(({ files }) => files.length === 0)) {
  process.stderr.write('no test file has such a path\n');
  process.exit(1);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const secondsOf = new Map();
const failures = [];
for (const group of groups) await runGroup(group);
conclude();

async function runGroup({ files, atOnce }) {
  if (files.length === 0) return;
  const events = run({ files, concurrency: atOnce, timeout: minutes * 60_000 });
  events.on('test:pass', ({ skip, details }) => {
    if (details?.type !== 'suite') counts[skip === undefined || skip === false ? 'passed' : 'skipped']++;
  });
  // A test that fails because of a test inside of it was counted there; a file that fell over or hung counts as one.
  events.on('test:fail', (test) => {
    if (test.details?.error?.failureType === 'subtestsFailed') return;
    counts.failed++;
    failures.push(failure(test));
  });
  for (const type of ['test:pass', 'test:fail']) events.on(type, keepTime);
  events.compose(new spec()).pipe(process.stdout, { end: false });
  await once(events, 'end');
  // What the reporter still holds comes before the next group.
  await new Promise(setImmediate);
}

function keepTime({ file, nesting, details }) {
  if (nesting > 0) return;
  const name = nameOf(file);
  secondsOf.set(name, (secondsOf.get(name) ?? 0) + details.duration_ms / 1000);
}

/** Said again at the end, since what is kept of a long log is often its end. */
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
  return exitCode ? `its process ended with code ${exitCode}; the reason stands above` : String(message);
}

function nameOf(file) {
  return path.relative(path.join(ROOT, 'dist/test'), file ?? ROOT).replace(/\.js$/, '');
}

function slowest() {
  const files = [...secondsOf].sort(([, a], [, b]) => b - a).slice(0, SLOWEST);
  return files.map(([name, seconds]) => `${seconds.toFixed(0).padStart(6)} s  ${name}\n`).join('');
}

function conclude() {
  process.stdout.write(`\nwhere the time went:\n${slowest()}`);
  if (failures.length > 0) process.stdout.write(`\nwhat failed:\n${failures.join('')}`);
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

/** The sources say which tests there are: what remains compiled of a test that was removed is not one. */
function testFiles(folder) {
  if (!existsSync(path.join(ROOT, folder))) return [];
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const place = path.join(folder, entry.name);
      return entry.isDirectory() ? testFiles(place) : entry.name.endsWith('.test.ts') ? [place] : [];
    })
    .sort();
}
