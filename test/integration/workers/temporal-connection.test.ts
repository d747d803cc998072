/** The connection of a worker to a server that requires an API key. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { StackError } from '../../../src/core/errors.js';
import { TemporalConnection } from '../../../src/workers/temporal-connection.js';
import { KeyProxy } from '../../support/key-proxy.js';
import { TestTemporal } from '../../support/temporal.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });

test('an API key that is refused, mistyped or revoked, is named; once the file of the settings has another, a worker connects', async (t) => {
  const temporal = await TestTemporal.start();
  const server = await KeyProxy.open(temporal.address, 'first');
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-key-'));
  t.after(async () => {
    await server.close();
    await temporal.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = path.join(folder, 'temporal.toml');
  process.env.TEMPORAL_CONFIG_FILE = file;
  delete process.env.TEMPORAL_ADDRESS;
  const settle = (key: string) =>
    writeFileSync(
      file,
      `[profile.default]\naddress = "${server.address}"\napi_key = "${key}"\n[profile.default.tls]\ndisabled = true\n`,
    );
  settle('mistyped');
  await assert.rejects(
    TemporalConnection.open(),
    (error: unknown) =>
      error instanceof StackError &&
      /Temporal cannot be used \(.*Request unauthorized/.test(error.what) &&
      /TEMPORAL_API_KEY/.test(error.hint ?? ''),
  );
  settle('first');
  await (await TemporalConnection.open()).close();
  server.require('second');
  await assert.rejects(TemporalConnection.open(), StackError);
  settle('second');
  await (await TemporalConnection.open()).close();
});
