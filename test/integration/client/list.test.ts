/** Lists of runs on a real server: all of them, the running ones first, filtered and paged. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import {
  cancelRun,
  listRuns,
  lookAfterStart,
  newRunId,
  registerSearchAttributes,
  sendOrder,
  startRun,
} from '../../../src/client/index.js';
import { RunError, SpecError, StackError, UsageError } from '../../../src/core/errors.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { SEARCH_ATTRIBUTES } from '../../../src/spec/search-attributes.js';
import { TestTemporal } from '../../support/temporal.js';

const SPEC: PipelineInput = { name: 'knee', preprocess: { source: '/data' } };

let temporal: TestTemporal;
let client: Client;

before(async () => {
  temporal = await TestTemporal.start();
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
  await startRun(client, SPEC, 'old');
  await startRun(client, { ...SPEC, name: 'hip' }, 'other');
  await startRun(client, SPEC, 'young');
  await client.workflow.getHandle('young').terminate();
  await listed({}, ['other', 'old', 'young']);
});

after(async () => {
  await client.connection.close();
  await temporal.stop();
});

/** The server's list follows a change within a moment. */
async function listed(filter: Parameters<typeof listRuns>[1], ids: string[]): Promise<void> {
  let found: string[] = [];
  for (let i = 0; i < 100; i++) {
    found = (await listRuns(client, filter)).map(({ runId }) => runId);
    if (found.join() === ids.join()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(found, ids);
}

test('running runs come first, and pages follow each other', async () => {
  await listed({}, ['other', 'old', 'young']);
  await listed({ limit: 2 }, ['other', 'old']);
  await listed({ limit: 2, page: 2 }, ['young']);
});

test('runs are filtered by name and state, also before the search attributes exist', async () => {
  await listed({ name: 'knee' }, ['old', 'young']);
  await listed({ state: 'terminated' }, ['young']);
  await listed({ state: 'running', name: 'hip' }, ['other']);
  await assert.rejects(listRuns(client, { state: 'resting' }), UsageError);
  await assert.rejects(listRuns(client, { dataset: 'd' }), /needs the search attribute gistDataset/);
});

test('the search attributes are registered once, and runs that have them are found by them', async () => {
  await registerSearchAttributes(client);
  await registerSearchAttributes(client);
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  for (const name of Object.keys(SEARCH_ATTRIBUTES)) assert.ok(name in (customAttributes ?? {}), name);
  await client.workflow.start('gistPipeline', {
    workflowId: 'marked',
    taskQueue: 'gist',
    args: [SPEC],
    searchAttributes: { gistDataset: ['d1'], gistState: ['needs-attention'], gistName: ['knee'] },
  });
  await listed({ dataset: 'd1' }, ['marked']);
  await listed({ state: 'needs-attention' }, ['marked']);
  await listed({ name: 'knee' }, ['marked', 'old', 'young']);
});

test('a run in Temporal says what it is and how to watch it', async () => {
  const described = await client.workflow.getHandle('old').describe();
  assert.equal(await described.staticSummary(), 'knee: all stages');
  assert.match((await described.staticDetails()) ?? '', /gist watch old/);
});

test('a spec that Temporal would refuse, and an id that is a path, are refused before anything starts', async () => {
  const large = { ...SPEC, preprocess: { source: `/${'x'.repeat(2_000_000)}` } };
  await assert.rejects(startRun(client, large), (error: unknown) => {
    assert.ok(error instanceof SpecError);
    assert.match(error.message, /the spec has 2\.0 MB; Temporal accepts 2 MB\. /);
    return true;
  });
  await assert.rejects(startRun(client, SPEC, '../../x'), RunError);
  await assert.rejects(startRun(client, SPEC, 'old'), /is running already/);
  assert.match(newRunId('knee'), /^knee-\d{8}-\d{6}-[0-9a-f]{4}$/);
});

test('a command that starts a run says at once when no worker takes it', async () => {
  const waiting = await lookAfterStart(client, 'old', ['train']);
  assert.equal(waiting?.reason, 'no-worker');
  assert.equal(waiting?.command, 'gist up');
});

test('an order to a run that was terminated says so, and to one that only the store may have, that there is none', async () => {
  await assert.rejects(sendOrder(client, 'young', 'pause'), /it was terminated at .* UTC.*gist retry young/);
  await assert.rejects(sendOrder(client, 'nobody', 'pause'), /there is no run "nobody"/);
});

test('an order that the server does not answer says that nothing was ordered', async () => {
  await temporal.kill();
  await assert.rejects(sendOrder(client, 'old', 'pause'), /does not answer, so nothing was ordered/);
  await assert.rejects(cancelRun(client, 'old'), StackError);
});
