/** A run whose images several workers look at, through real servers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig } from '../../support/rig.js';

let rig: Rig;
before(async () => {
  rig = await Rig.start();
});
after(() => rig.stop());

test('images that are compared by what they show are made in shards before the plan is finished', async () => {
  const source = await rig.phantoms(15);
  const preprocess = { source, resolution: 16, shardImages: 3, duplicates: 'near', labels: 'none' } as const;
  const handle = await rig.startRun('looks', { name: 'looks', stages: ['preprocess'], preprocess });
  const { stages } = await rig.result('looks');
  const images = stages.preprocess?.dataset.images;
  assert.equal((images?.train ?? 0) + (images?.holdout ?? 0), 15);
  const { events } = await handle.fetchHistory();
  const started = (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );
  assert.equal(started.filter((name) => name === 'lookShard').length, 5);
  assert.equal(started.filter((name) => name === 'planDataset').length, 2);
  assert.ok(started.lastIndexOf('planDataset') > started.lastIndexOf('lookShard'));
});
