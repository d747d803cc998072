/** Set-up that is killed at any time and run again, and concurrent set-ups. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { RandomStream } from '../../src/core/random.js';
import { SetupCheckout } from '../support/setup-checkout.js';

const KILLS = 6;

let folder: string;
let checkout: SetupCheckout;
let undisturbedMs: number;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gist-setup-'));
  checkout = await SetupCheckout.create(folder);
  const started = Date.now();
  const { code, stderr } = await checkout.setUp();
  undisturbedMs = Date.now() - started;
  assert.equal(code, 0, stderr);
});

after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

describe('set-up', () => {
  it('installs all parts completely, and a binding that loads', () => {
    assert.deepEqual(checkout.flaws(), []);
    assert.ok(checkout.loadBinding());
  });

  it('does nothing when everything is installed', async () => {
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 0);
    assert.equal(stderr, 'set-up: everything is there\n');
  });

  it('succeeds in the last of many attempts that were killed at random times', async (t) => {
    const random = new RandomStream(11, 'kills');
    checkout.wipe();
    for (let kill = 0; kill < KILLS; kill++) {
      const killAfterMs = Math.round(random.uniform() * undisturbedMs);
      await checkout.setUp({ killAfterMs });
      t.diagnostic(`killed after ${killAfterMs} ms of some ${undisturbedMs}`);
      assert.deepEqual(checkout.tornParts(), []);
    }
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 0, stderr);
    assert.deepEqual(checkout.flaws(), []);
  });

  it('succeeds after being killed once at any time on a fresh clone', async (t) => {
    for (const share of [0.2, 0.5, 0.8]) {
      checkout.wipe();
      const killAfterMs = Math.round(share * undisturbedMs);
      await checkout.setUp({ killAfterMs });
      t.diagnostic(`killed after ${killAfterMs} ms of some ${undisturbedMs}`);
      assert.deepEqual(checkout.tornParts(), []);
      const { code, stderr } = await checkout.setUp();
      assert.equal(code, 0, stderr);
      assert.deepEqual(checkout.flaws(), []);
    }
  });

  it('runs concurrently in two checkouts, which share one cache and download each part once', async () => {
    const other = await SetupCheckout.create(folder, 'other');
    for (const each of [checkout, other]) each.wipe();
    const outcomes = await Promise.all([checkout.setUp(), other.setUp()]);
    const said = outcomes.map(({ stderr }) => stderr).join('');
    for (const { code } of outcomes) assert.equal(code, 0, said);
    for (const each of [checkout, other]) assert.deepEqual(each.flaws(), []);
    assert.equal([...said.matchAll(/^set-up: downloading/gm)].length, 3, said);
  });

  it('runs twice concurrently in one checkout', async () => {
    checkout.wipe();
    const outcomes = await Promise.all([checkout.setUp(), checkout.setUp()]);
    const said = outcomes.map(({ stderr }) => stderr).join('');
    for (const { code } of outcomes) assert.equal(code, 0, said);
    assert.deepEqual(checkout.flaws(), []);
    assert.equal([...said.matchAll(/^set-up: installing npm packages/gm)].length, 1, said);
  });
});
