/** Errors of set-up before any download, and the steps that it repeats after a change. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SetupCheckout } from '../../support/setup-checkout.js';

const REFUSED = 7;

let folder: string;
let checkout: SetupCheckout;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gist-setup-'));
  checkout = await SetupCheckout.create(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

/** Standard error of a failed set-up, after checking that nothing was downloaded. */
async function refusal(env: Record<string, string> = {}): Promise<string> {
  const { code, stderr } = await checkout.setUp({ env });
  assert.equal(code, REFUSED, stderr);
  assert.ok(!existsSync(path.join(checkout.root, 'node_modules')));
  assert.ok(!existsSync(path.join(checkout.cache, 'wheels')));
  assert.doesNotMatch(stderr, /\n {4}at /);
  return stderr;
}

/** Changes the list of parts of the small checkout. */
function changeParts(change: (parts: Record<string, Record<string, unknown>>) => void): void {
  const parts = JSON.parse(checkout.read('requirements/parts.json'));
  change(parts);
  checkout.write('requirements/parts.json', JSON.stringify(parts));
}

describe('set-up refuses', () => {
  it('a machine without npm, Python and compiler, naming all three with how to get them', async () => {
    const said = await refusal({ PATH: path.join(folder, 'nothing-here'), CXX: '', PYTHON: '' });
    assert.match(said, /npm: it comes with Node/);
    assert.match(said, /Python 3 with pip .*apt install python3 python3-pip/);
    assert.match(said, /C\+\+17 compiler .*apt install g\+\+/);
  });

  it('a compiler that cannot compile C++17, naming only that', async () => {
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync('/bin/false', path.join(bin, 'old-compiler'));
    const said = await refusal({ CXX: path.join(bin, 'old-compiler') });
    assert.match(said, /C\+\+17 compiler \(CXX\)/);
    assert.doesNotMatch(said, /Python 3 with pip/);
  });

  it('a disk without enough free space, with the required space', async () => {
    changeParts((parts) => Object.assign(parts.weights ?? {}, { megabytes: 1e12 }));
    assert.match(
      await refusal(),
      /the disk has [\d.]+ GB free, and set-up needs \d{10}\.\d GB .*GIST_CACHE_DIR/s,
    );
  });

  it('an unknown TensorFlow library', async () => {
    assert.match(
      await refusal({ GIST_TENSORFLOW: 'rocm' }),
      /GIST_TENSORFLOW is rocm; it must be cpu or cuda/,
    );
  });

  it('a platform without wheels', async () => {
    assert.match(
      await refusal({ GIST_TENSORFLOW: 'cuda' }),
      /no native parts for \S+-cuda\. GIST runs on linux-x64/,
    );
  });

  it('a wheel with another hash than the pinned one, without unpacking it', async () => {
    const file = `requirements/wheels-${process.platform}-${process.arch}.txt`;
    checkout.write(
      file,
      checkout.read(file).replace(/(weights==1.0 --hash=sha256:).*/, `$1${'0'.repeat(64)}`),
    );
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, REFUSED);
    assert.match(stderr, /DO NOT MATCH THE HASHES/);
    assert.match(stderr, /set-up: pip could not download the part weights/);
    assert.ok(!existsSync(path.join(checkout.cache, 'wheels', 'weights-1.0')));
    assert.ok(existsSync(path.join(checkout.cache, 'wheels', 'tensorflow-1.0', '.complete')));
  });

  it('code that does not compile, after the errors of the compiler', async () => {
    checkout.write('src/main.ts', "export const answer: number = 'text';\n");
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, REFUSED);
    assert.match(stderr, /TS2322[\s\S]*the code does not compile/);
  });
});

describe('set-up repeats', () => {
  it('only the steps of changed inputs: code, packages, a removed part', async () => {
    assert.equal((await checkout.setUp()).code, 0);

    checkout.write('src/main.ts', 'export const answer: number = 43;\n');
    assert.deepEqual(steps(await checkout.setUp()), ['compiling the code (tsc)']);
    assert.match(checkout.read('dist/src/main.js'), /43/);

    rmSync(path.join(checkout.cache, 'wheels', 'weights-1.0', 'weights'), { recursive: true });
    assert.deepEqual(steps(await checkout.setUp()), [
      'downloading the part weights (weights 1.0)',
      'unpacking the part weights',
    ]);

    rmSync(path.join(checkout.root, 'node_modules'), { recursive: true });
    assert.equal(steps(await checkout.setUp())[0], 'installing npm packages (npm ci)');
    assert.deepEqual(checkout.flaws(), []);
  });

  it('the binding, when a version that it was compiled against has changed', async () => {
    assert.equal((await checkout.setUp()).code, 0);
    checkout.write(
      'vendor/headers/package.json',
      JSON.stringify({ name: 'node-api-headers', version: '1.0.1' }),
    );
    assert.deepEqual(steps(await checkout.setUp()), ['compiling the TensorFlow binding (some ten seconds)']);
  });
});

describe('set-up with another home', () => {
  it('installs and compiles nothing: the parts of the checkout are found', async () => {
    assert.equal((await checkout.setUp()).code, 0);
    const env = { GIST_CACHE_DIR: '', XDG_CACHE_HOME: '', HOME: path.join(folder, 'nobody') };
    assert.deepEqual(steps(await checkout.setUp({ env })), []);
  });

  it('that cannot be written names the variable that helps', async () => {
    const home = path.join(folder, 'home');
    writeFileSync(home, 'a file where a folder is needed');
    const said = await refusal({ GIST_CACHE_DIR: '', XDG_CACHE_HOME: '', HOME: home });
    assert.match(said, /the cache folder \S+ cannot be written \(\w+\)\. Set GIST_CACHE_DIR/);
  });
});

/** The steps that set-up ran, without those that were already completed. */
function steps({ code, stderr }: { code: number | null; stderr: string }): string[] {
  assert.equal(code, 0, stderr);
  return [...stderr.matchAll(/^set-up: (.*)$/gm)]
    .map((match) => match[1] as string)
    .filter((line) => !/^done in|(are|is) (there|compiled)$/.test(line));
}
