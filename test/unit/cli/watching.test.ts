/** While the server is away `gist watch` waits; any other error ends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { watchUntilEnd, whoIsAway } from '../../../src/cli/watching.js';
import { StackError, StoreUnavailableError } from '../../../src/core/errors.js';
import { freePort } from '../../support/ports.js';

const STORED = { settingsOf: async () => [], noteOf: async () => null };

test('a server or store that does not answer is waited for, a defect is not', async () => {
  const connection = Connection.lazy({ address: `127.0.0.1:${await freePort()}` });
  const client = new Client({ connection });
  const describe = () => client.workflow.getHandle('knee').describe();
  const error = await client.withDeadline(Date.now() + 500, describe).catch((error: unknown) => error);
  assert.equal(whoIsAway(error), 'server');
  await connection.close();
  assert.equal(whoIsAway(new StackError({ what: 'no server answers' })), 'server');
  assert.equal(whoIsAway(new StoreUnavailableError({ what: 'connection reset' })), 'store');
  assert.equal(whoIsAway(new TypeError('x is undefined')), null);
});

test('a watch ends with an error that is not the absence of a server', { timeout: 30_000 }, async () => {
  const connection = Connection.lazy({ address: `127.0.0.1:${await freePort()}` });
  await connection.close();
  await assert.rejects(watchUntilEnd(new Client({ connection }), 'knee', STORED));
});
