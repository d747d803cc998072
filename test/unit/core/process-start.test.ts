/**
 * What processes do first: no proxy before this machine, and one answer to any number of signals.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDuration } from '../../../src/core/duration.js';
import { bypassProxies } from '../../../src/core/process-start.js';

test('this machine is added to the hosts without a proxy, which are kept', () => {
  const env = {
    NO_PROXY: 'store.hospital, 127.0.0.1',
    no_proxy: '.internal',
    no_grpc_proxy: 'temporal.hospital',
  };
  bypassProxies(env);
  assert.deepEqual(
    new Set(env.no_proxy.split(',')),
    new Set(['.internal', 'store.hospital', '127.0.0.1', 'localhost', '::1']),
  );
  assert.equal(env.NO_PROXY, env.no_proxy);
  assert.equal(env.no_grpc_proxy, 'temporal.hospital,localhost,127.0.0.1,::1');
});

test('a request to stop is heard once, and later signals do not end the process', async () => {
  const module = fileURLToPath(new URL('../../../src/core/process-start.js', import.meta.url));
  const code = `import { onStopSignal } from ${JSON.stringify(module)};
    onStopSignal((signal) => { console.log(signal); setTimeout(() => process.exit(3), 1000); });
    console.log('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text.toString();
    if (said.endsWith('ready\n')) child.kill('SIGUSR1');
    if (said.endsWith('SIGUSR1\n')) for (const name of ['SIGTERM', 'SIGINT'] as const) child.kill(name);
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  assert.equal(exitCode, 3);
  assert.equal(said, 'ready\nSIGUSR1\n');
});

test('durations are a number with a unit', () => {
  assert.equal(parseDuration('90s'), 90_000);
  assert.equal(parseDuration('2m'), 120_000);
  assert.equal(parseDuration('1.5h'), 5_400_000);
  for (const text of ['', '90', '0s', '-1s', '2 weeks', 's'])
    assert.equal(parseDuration(text), undefined, text);
});
