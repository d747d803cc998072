/**
 * Hostile files of every format, in a folder and in an archive: each is set aside with its reason,
 * in bounded memory, and the files beside them are read.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type HostileFiles, hostileFiles, samples } from '../../support/hostile-files.js';
import { storedZip } from '../../support/images.js';

/** Of the whole process: Node, libvips, WebAssembly, and what decoding takes. */
const MEMORY_MIB = 500;
const LIMIT_MS = 10_000;

let folder: string;
let hostile: HostileFiles;
let whole: Record<string, Buffer>;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-hostile-'));
  hostile = await hostileFiles();
  whole = Object.fromEntries(Object.entries(await samples()).map(([name, file]) => [`a\n${name}`, file]));
  const source = path.join(folder, 'source');
  await mkdir(source);
  for (const [name, bytes] of entries()) await writeFile(path.join(source, name), bytes);
  await storedZip(
    path.join(folder, 'source.zip'),
    entries().map(([name, bytes]) => ({ name, bytes })),
  );
  await symlink('.', path.join(source, 'loop'));
  await symlink('self.png', path.join(source, 'self.png'));
  await symlink('/etc', path.join(source, 'outside'));
});

after(() => rm(folder, { recursive: true, force: true }));

/** All files with their content, hostile and whole. */
function entries(): [string, Buffer][] {
  const bad = Object.entries(hostile).map(([name, [bytes]]): [string, Buffer] => [name, bytes]);
  return [...bad, ...Object.entries(whole)];
}

const OPTIONS = ['--resolution', '16', '--max-rejected', '1', '--privacy-names', 'keep'];

for (const source of ['source', 'source.zip']) {
  test(`hostile files in ${source} are set aside with their reasons, in bounded memory`, async () => {
    assert.ok(Object.keys(hostile).length > 60);
    const { code, stdout, stderr, peakMiB, ms } = await build(source, '--out', `${source}-out`, ...OPTIONS);
    assert.equal(code, 0, stderr);
    const { rejected, dataset } = JSON.parse(stdout) as BuiltDataset;
    const reasons = new Map(rejected.map(({ name, reason }) => [name, reason]));
    const unexpected = Object.entries(hostile)
      .map(([name, [, expected]]) => ({ name, expected, reason: reasons.get(name) ?? 'was accepted' }))
      .filter(({ reason, expected }) => !expected.test(reason));
    assert.deepEqual(unexpected, []);
    assert.equal(reasons.size, Object.keys(hostile).length, [...reasons.keys()].join());
    assert.equal(dataset.images.train + dataset.images.holdout, Object.keys(whole).length);
    assert.ok(peakMiB < MEMORY_MIB, `${peakMiB} MiB`);
    assert.ok(ms < LIMIT_MS * reasons.size);
  });
}

test('too many hostile files are no data set, and the error says where their list is', async () => {
  await mkdir(path.join(folder, 'few'));
  for (const [name, bytes] of entries().slice(-20)) await writeFile(path.join(folder, 'few', name), bytes);
  const { code, stderr } = await build('few', '--out', 'failed', '--resolution', '16');
  assert.equal(code, 3);
  assert.match(stderr, /\d+ of \d+ images cannot be used.*rejected\.json of the store/s);
  assert.doesNotMatch(stderr, /tenths|\.dcm/);
});

interface BuiltDataset {
  rejected: { name: string; reason: string }[];
  dataset: { images: { train: number; holdout: number } };
}

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
/** Tells the peak of the process's memory. Other figures of Linux count that of its parent, too. */
const HOOK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  const peak = () => /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
  process.on('exit', () => process.stderr.write('\\npeak ' + peak()));
`)}`;

/** `gist dataset build` in a process of its own. */
async function build(...args: string[]) {
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', HOOK, MAIN, 'dataset', 'build', ...args, '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const peakMiB = Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024;
  return { code, stdout, stderr, peakMiB, ms: performance.now() - start };
}
