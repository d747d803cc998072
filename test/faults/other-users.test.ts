/**
 * Users who may write neither the code nor the installed parts: the one of the container image, and
 * a second user of one checkout.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Outcome } from '../support/gist.js';
import { type ImageLayout, imageLayout } from '../support/image-layout.js';
import { writeClasses } from '../support/images.js';

/** Nobody, where the tests run as root. */
const UID = process.getuid?.() === 0 ? 65_534 : undefined;

let data: string;
let image: ImageLayout;

before(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'gist-data-'));
  image = imageLayout(data);
  await writeClasses(path.join(data, 'images'), { early: 12, late: 12 });
  // What is read only by its mode is so for the user who tests, too.
  if (UID === undefined) chmodSync(path.join(image.folder, 'gist'), 0o555);
  for (const name of ['', 'images', 'home']) {
    mkdirSync(path.join(data, name), { recursive: true });
    chmodSync(path.join(data, name), 0o777);
  }
});

after(async () => {
  await gist(image.env, 'down');
  chmodSync(path.join(image.folder, 'gist'), 0o755);
  image.remove();
  rmSync(data, { recursive: true, force: true, maxRetries: 5 });
});

/** The command as that user runs it, with nothing of the environment of the tests. */
function gist(env: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [image.main, ...args], {
    cwd: data,
    uid: UID,
    gid: UID,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: path.dirname(process.execPath), HOME: '/nonexistent', ...env },
  });
  return new Promise((resolve, reject) => {
    const outcome = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, ...outcome }));
  });
}

/** What a SeaweedFS of another user, on the port that a stack prefers, leaves when it is killed. */
const SOCKET = '/tmp/seaweedfs-s3-8333.sock';

test('in the image, a user without rights and without a home folder trains', async () => {
  if (!existsSync(SOCKET)) writeFileSync(SOCKET, '');
  const doctor = await gist(image.env, 'doctor');
  assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  const spec = path.join(data, 'spec.json');
  writeFileSync(
    spec,
    JSON.stringify({
      name: 'in-image',
      stages: ['preprocess', 'train'],
      preprocess: { source: path.join(data, 'images'), resolution: 16, duplicates: 'ignore' },
      train: {
        cfg: 'stylegan2',
        aug: 'none',
        batch: 4,
        kimg: 0.04,
        snapshotKimg: 0.04,
        stopWhen: null,
        ...{ cbase: 128, cmax: 8, mapDepth: 2, zDim: 16, wDim: 16 },
      },
    }),
  );
  const { code, stdout, stderr } = await gist(
    image.env,
    'run',
    spec,
    '--id',
    'in-image',
    '--watch',
    '--json',
  );
  assert.equal(code, 0, stderr);
  const { stages } = JSON.parse(stdout) as { stages: { train: { last: { kimg: number } } } };
  assert.equal(stages.train.last.kimg, 0.04);
});

test('a second user of a checkout builds a data set and runs doctor, without setting anything up again', async () => {
  const env = { HOME: path.join(data, 'home') };
  const doctor = await gist(env, 'doctor');
  assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  const options = ['--out', path.join(data, 'home'), '--resolution', '16'];
  const built = await gist(env, 'dataset', 'build', path.join(data, 'images'), ...options);
  assert.equal(built.code, 0, built.stderr);
});

test('a second user who may not read the installed parts gets one line, with the variable that helps', async (t) => {
  if (UID === undefined) return t.skip('only root may close a folder to another user and not to itself');
  chmodSync(image.cache, 0o700);
  t.after(() => chmodSync(image.cache, 0o755));
  const { code, stdout, stderr } = await gist({ HOME: path.join(data, 'home') }, 'doctor');
  assert.equal(code, 7);
  assert.equal(stdout, '');
  assert.match(stderr, /^set-up: .*belongs to root and is not set up for this user.*GIST_CACHE_DIR.*\n$/);
});
