/** Parity cases that cannot be compared fail with a reason, and the other cases still run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agrees, type CaseResult, formatCase, runNetworkParity } from '../support/network-parity.js';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../src/nn/formats/safetensors.js';

const CASES = path.resolve('test/parity/networks');
const GIVEN = 'stylegan2-c0';

describe('parity cases that cannot be compared', () => {
  let folder: string;
  let results: Map<string, CaseResult>;

  /** The given case under another name, changed. */
  function plant(
    name: string,
    settings: Record<string, unknown>,
    change: (expected: Record<string, NamedTensor>) => void = () => {},
  ): void {
    const read = (suffix: string) => readFileSync(path.join(CASES, `${GIVEN}.${suffix}`));
    const write = (suffix: string, content: string | Uint8Array) =>
      writeFileSync(path.join(folder, `${name}.${suffix}`), content);
    const expected = decodeSafetensors(read('expected.safetensors'), GIVEN);
    change(expected);
    write('json', JSON.stringify({ ...(JSON.parse(read('json').toString()) as object), ...settings }));
    write('weights.safetensors', read('weights.safetensors'));
    write('expected.safetensors', encodeSafetensors(expected));
  }

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gist-parity-'));
    writeFileSync(path.join(folder, 'a-torn.json'), '{"kind":');
    plant('b-kind', { kind: 'sg9' });
    plant('c-kernel', { kind: 'sg3', conv_kernel: 1 });
    plant('d-nan', {}, (expected) => expected['grad.G.mapping.fc0.bias']?.data.fill(Number.NaN));
    plant('e-lacks', {}, (expected) => {
      delete expected['grad.D.b4.out.bias'];
      delete expected.img;
    });
    copyFileSync(path.join(CASES, `${GIVEN}.json`), path.join(folder, 'f-alone.json'));
    plant('g-good', {});
    results = new Map([...runNetworkParity(folder)].map((result) => [result.name, result]));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const resultOf = (name: string) => results.get(name) as CaseResult;

  test('a case that is unreadable or of unknown networks fails with its name', () => {
    assert.match(resultOf('a-torn').failed ?? '', /JSON/);
    assert.match(resultOf('b-kind').failed ?? '', /networks of kind sg9 are not available/);
    assert.match(resultOf('c-kernel').failed ?? '', /stylegan3-t with conv_kernel 1 are not available/);
    assert.match(resultOf('f-alone').failed ?? '', /f-alone\.weights\.safetensors/);
    for (const name of ['a-torn', 'b-kind', 'c-kernel', 'f-alone'])
      assert.equal(agrees([resultOf('g-good'), resultOf(name)]), false, name);
  });

  test('a value that is not a number is the largest difference of its group, regardless of later values', () => {
    const { groups } = resultOf('d-nan');
    const group = groups.find((entry) => entry.group === 'grad.G');
    assert.equal(group?.error, Number.POSITIVE_INFINITY);
    assert.equal(group?.worst, 'grad.G.mapping.fc0.bias');
    assert.equal(agrees([resultOf('d-nan')]), false);
  });

  test('values without an expected value are named, and the case fails', () => {
    assert.deepEqual(resultOf('e-lacks').missing.toSorted(), ['grad.D.b4.out.bias', 'img']);
    assert.equal(agrees([resultOf('e-lacks')]), false);
    assert.match(formatCase(resultOf('e-lacks')), /not in the expected file: .*grad\.D\.b4\.out\.bias/);
  });

  test('the other cases still run', () => {
    assert.equal(results.size, 7);
    assert.ok(agrees([resultOf('g-good')]));
  });

  test('the command prints every case and exits with 1', () => {
    const { status, stdout } = spawnSync(process.execPath, ['scripts/parity.mjs', 'networks', folder], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    const names = stdout.split('\n').flatMap((line) => /^[\w-]+(?=:)/.exec(line) ?? []);
    assert.deepEqual(names, [...results.keys()]);
  });
});
