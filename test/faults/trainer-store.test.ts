/** A training whose object store is unavailable for some time. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { superviseTrainer } from '../../src/training/index.js';
import { openStore } from '../../src/storage/index.js';
import { type TinyTraining, timelessStats, tinyTraining, weights } from '../support/tiny-training.js';
import { type Seaweed, startSeaweed } from '../support/seaweed.js';

describe('a training on a real S3 server', () => {
  let server: Seaweed;
  let tiny: TinyTraining;

  before(async () => {
    server = await startSeaweed();
    server.applyEnv();
    const store = openStore(`s3://${server.bucket}/`);
    // The server answers a moment before its bucket is made.
    for (
      let tries = 0;
      tries < 50 &&
      !(await store.head('x').then(
        () => true,
        () => false,
      ));
      tries++
    )
      await sleep(100);
    tiny = await tinyTraining(store);
  });
  after(async () => {
    await tiny?.remove();
    await server?.stop();
  });

  test('waits until a killed server is restarted, and ends with the bytes of an uninterrupted one', async () => {
    await superviseTrainer(tiny.job('uninterrupted'));
    let outage: Promise<void> | undefined;
    let afterwards = 0;
    const outcome = await superviseTrainer(tiny.job('outage'), {
      onEvent: (event) => {
        if (event.type === 'started') outage ??= goAway();
        if (event.type === 'checkpoint' && outage) afterwards++;
      },
    });
    await outage;
    assert.equal(outcome.type, 'done');
    assert.ok(afterwards > 0);
    assert.deepEqual(await weights(tiny.store, 'outage'), await weights(tiny.store, 'uninterrupted'));
    assert.deepEqual(
      await timelessStats(tiny.store, 'outage'),
      await timelessStats(tiny.store, 'uninterrupted'),
    );
  });

  async function goAway(): Promise<void> {
    await server.kill();
    await sleep(6_000);
    await server.restart();
  }
});
