/** Runs the compiled tests, each file in a process of its own, and ends with the line `N passed, N failed`. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('../dist/test', import.meta.url));
/** Quick ones first, so that a plain mistake is seen early. */
const SUITES = ['unit', 'parity', 'integration', 'faults'];
const FILE_MS = 15 * 60_000;

/** `npm run test:only -- imaging faults/pipeline`: only files whose path contains one of the words. */
const words = process.argv.slice(2);

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const place = path.join(folder, entry.name);
      return entry.isDirectory() ? testFiles(place) : entry.name.endsWith('.test.js') ? [place] : [];
    })
    .sort();
}

const files = SUITES.flatMap((suite) => {
  try {
    return testFiles(path.join(TESTS, suite));
  } catch {
    return [];
  }
}).filter((file) => words.length === 0 || words.some((word) => path.relative(TESTS, file).includes(word)));

const counts = { passed: 0, failed: 0, skipped: 0 };
const stream = run({ files, concurrency: false, timeout: FILE_MS });
stream.on('test:pass', (event) => count(event, event.skip === undefined ? 'passed' : 'skipped'));
stream.on('test:fail', (event) => count(event, 'failed'));

/** Node reports every file as a test around its tests; only what a person wrote counts, and a file that fell over. */
function count(event, outcome) {
  const isFile = files.includes(path.resolve(event.name));
  if (!isFile || outcome === 'failed') counts[outcome]++;
}

stream.compose(new spec()).pipe(process.stdout);
stream.once('end', () => {
  setImmediate(() => {
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
    process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
  });
});
