/** Features and metrics agree with reference implementations. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agrees, formatParity, type ParityLine, runMetricParity } from '../support/metric-parity.js';

/** Compiled tests run from `dist/`; the cases are beside the sources. */
const CASES = path.resolve('test/parity/metrics');

async function linesOf(folder: string): Promise<ParityLine[]> {
  const lines: ParityLine[] = [];
  for await (const line of runMetricParity(folder)) lines.push(line);
  return lines;
}

test('features and metrics match the references', async () => {
  const lines = await linesOf(CASES);
  const different = lines.filter((line) => !('error' in line) || !agrees(line)).map(formatParity);
  assert.deepEqual(different, []);
  const names = lines.map(({ name }) => name);
  for (const name of [
    'inception 300 px 2048',
    'inception 64 px logits_unbiased',
    'resnet50 logits',
    'vgg16 features',
    'inception_v3 logits',
    'effnetlite0 features',
    'FID',
    'KID',
    'density (k = 5)',
    'authenticity',
    'ms_ssim_224_image0_rolled2',
  ])
    assert.ok(names.includes(name), name);
});

describe('a folder whose references differ', () => {
  let folder: string;
  const script = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/parity.mjs', ...args], { encoding: 'utf8' });

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gist-metric-parity-'));
    copyFileSync(path.join(CASES, 'features.safetensors'), path.join(folder, 'features.safetensors'));
    const expected = JSON.parse(readFileSync(path.join(CASES, 'metrics.expected.json'), 'utf8'));
    writeFileSync(
      path.join(folder, 'metrics.expected.json'),
      JSON.stringify({ ...expected, kid_full_unbiased_poly3: 0.1341 }),
    );
    writeFileSync(path.join(folder, 'inception.expected.safetensors'), 'torn');
    writeFileSync(path.join(folder, 'more-metrics.expected.json'), '{"prdc_k4": {"density": 2}, "other": 1}');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('each difference is told, damaged files fail, absent ones are skipped, and the exit code is 1', () => {
    const { stdout, status } = script('metrics', folder);
    assert.equal(status, 1);
    assert.match(stdout, /^ok +FID /m);
    assert.match(stdout, /^MISMATCH +KID /m);
    assert.match(stdout, /^MISMATCH +density \(k = 4\)/m);
    assert.match(stdout, /^FAILED +inception\.expected\.safetensors: /m);
    assert.match(stdout, /^skipped +classifiers\.expected\.safetensors \(absent\)/m);
    assert.match(stdout, /^skipped +other \(unknown metric\)/m);
  });

  test('a folder without references is a usage error', () => {
    const empty = mkdtempSync(path.join(tmpdir(), 'gist-metric-parity-'));
    writeFileSync(path.join(empty, 'case.json'), '{}');
    const { stderr, status } = script('metrics', empty);
    rmSync(empty, { recursive: true });
    assert.equal(status, 2);
    assert.match(stderr, /contains none of inception\.expected\.safetensors/);
    assert.equal(script('metrics').status, 2);
    assert.equal(script('metric', CASES).status, 2);
    assert.match(script('metrics', path.join(folder, 'absent')).stderr, /does not exist/);
  });
});
