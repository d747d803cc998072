/**
 * `gist doctor`: what it says of a machine that has everything, and of one that lacks the
 * downloaded parts.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DoctorCheck } from '../../../src/cli/doctor-check.js';

const MAIN = path.resolve('dist/src/cli/main.js');
const MISSING = 7;

let empty: string;

before(() => {
  empty = mkdtempSync(path.join(tmpdir(), 'gist-doctor-'));
});

after(() => rmSync(empty, { recursive: true }));

function doctor(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: unknown; stdout: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, [MAIN, 'doctor', ...args], options, (error, stdout) => {
      resolve({ code: error ? error.code : 0, stdout });
    });
  });
}

describe('gist doctor', () => {
  it('finds every needed part after set-up, and the library that is bound', async () => {
    const { code, stdout } = await doctor(['--json']);
    const parts = JSON.parse(stdout) as DoctorCheck[];
    assert.deepEqual(
      parts.filter(({ found, optional }) => !found && !optional),
      [],
    );
    assert.equal(code, 0);
    const bound = parts.find(({ name }) => name === 'TensorFlow binding');
    assert.match(bound?.version ?? '', /^tensorflow 2\.\d+\.\d+/);
    assert.match(bound?.where ?? '', /libtensorflow_cc/);
  });

  it('names the parts that are missing, how to fix each, and ends with exit code 7', async () => {
    const { code, stdout } = await doctor(['--json'], { GIST_CACHE_DIR: empty });
    assert.equal(code, MISSING);
    const missing = (JSON.parse(stdout) as DoctorCheck[]).filter(
      ({ found, optional }) => !found && !optional,
    );
    assert.ok(missing.some(({ name }) => name === 'SeaweedFS, the S3 server'));
    for (const { hint, where } of missing) assert.ok(hint !== '' && where.startsWith(empty), where);
  });

  it('needs neither Python nor a compiler once everything is installed', async () => {
    const absent = path.join(empty, 'absent');
    const { code, stdout } = await doctor(['--json'], { PYTHON: absent, CXX: absent });
    assert.equal(code, 0);
    for (const name of ['Python with pip', 'C++ compiler']) {
      const part = (JSON.parse(stdout) as DoctorCheck[]).find((each) => each.name === name);
      assert.deepEqual([part?.found, part?.optional, part?.where], [false, true, absent]);
    }
  });

  it('says of the official trainer what is missing, and that GIST runs without it', async () => {
    const lineFor = async (env: Record<string, string>) => {
      const { code, stdout } = await doctor(['--json'], { GIST_STYLEGAN3_DIR: '', ...env });
      assert.equal(code, 0);
      const parts = JSON.parse(stdout) as DoctorCheck[];
      return parts.find(({ name }) => name === 'Official StyleGAN3 trainer');
    };
    const unset = await lineFor({});
    assert.deepEqual([unset?.found, unset?.optional], [false, true]);
    assert.match(unset?.where ?? '', /GIST_STYLEGAN3_DIR is not set/);
    const other = await lineFor({ GIST_STYLEGAN3_DIR: empty });
    assert.match(other?.hint ?? '', /holds no train\.py/);
  });

  it('says the same to people, one line a part', async () => {
    const { stdout } = await doctor([], { GIST_CACHE_DIR: empty, CXX: path.join(empty, 'no-compiler') });
    assert.match(stdout, /^found {4}Node\.js/m);
    assert.match(stdout, /^MISSING {2}C\+\+ compiler .*no-compiler\]\n +-> apt install g\+\+/m);
    assert.match(stdout, /^MISSING {2}Temporal CLI and dev server/m);
  });
});
