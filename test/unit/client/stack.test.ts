/**
 * What the embedded stack decides before it starts anything: whose servers, which ports, which
 * state.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newRunId } from '../../../src/client/start.js';
import { embeddedParts, environmentOf } from '../../../src/client/stack/parts.js';
import {
  assertOnThisMachine,
  claimForThisMachine,
  foreignMachine,
  releaseMachine,
} from '../../../src/client/stack/machine.js';
import { choosePorts, PREFERRED } from '../../../src/client/stack/ports.js';
import { end, listensOn, startDetached } from '../../../src/client/stack/processes.js';
import { StackFolder } from '../../../src/client/stack/state.js';
import { StackError } from '../../../src/core/errors.js';
import { isAlive, startTime, thisProcess } from '../../../src/core/process-id.js';
import { withFolder } from '../../support/images.js';

test('runs what the environment does not name', () => {
  assert.deepEqual(embeddedParts({}), ['temporal', 's3', 'worker']);
  assert.deepEqual(embeddedParts({ TEMPORAL_ADDRESS: 'there:7233' }), ['s3', 'worker']);
  assert.deepEqual(embeddedParts({ TEMPORAL_PROFILE: 'cloud' }), ['s3', 'worker']);
  assert.deepEqual(embeddedParts({ AWS_ENDPOINT_URL: 'http://there' }), ['temporal', 'worker']);
  assert.deepEqual(embeddedParts({ TEMPORAL_ADDRESS: 'there:7233', AWS_ENDPOINT_URL: 'http://there' }), []);
});

test('points processes only at the servers that it runs', () =>
  withFolder(async (folder) => {
    const state = { ...new StackFolder(folder).read(), ports: { temporal: 1, 's3.port': 2 } };
    assert.deepEqual(environmentOf(state, ['temporal', 'worker']), { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    assert.equal(environmentOf(state, ['s3', 'worker']).AWS_ENDPOINT_URL, 'http://127.0.0.1:2');
    assert.equal(environmentOf(state, ['s3', 'worker']).TEMPORAL_ADDRESS, undefined);
  }));

test('keeps a remembered port while it is free and takes another when it is not', async () => {
  const first = await choosePorts({}, () => false);
  assert.equal(new Set(Object.values(first)).size, Object.keys(PREFERRED).length);
  const blocker = createServer();
  const port = first.temporal as number;
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
  try {
    const second = await choosePorts(first, () => false);
    assert.notEqual(second.temporal, port);
    // A port in use by our own server stays.
    assert.equal((await choosePorts(first, (name) => name === 'temporal')).temporal, port);
  } finally {
    await new Promise((resolve) => blocker.close(resolve));
  }
});

test('a stack in a shared folder is run by one machine, until it is down or that machine has started again', () =>
  withFolder(async (home) => {
    const folder = new StackFolder(home);
    folder.make();
    claimForThisMachine(folder);
    assert.equal(foreignMachine(folder), null);
    const record = folder.path('locks', 'machine.json');
    const own = JSON.parse(readFileSync(record, 'utf8')) as { host: string; boot: string };
    writeFileSync(record, JSON.stringify({ host: 'elsewhere', boot: 'another' }));
    assert.throws(() => assertOnThisMachine(folder), /this stack runs on elsewhere.*remove .*machine\.json/);
    for (const sameMachine of [
      { host: 'former-name', boot: own.boot },
      { host: hostname(), boot: 'before' },
    ]) {
      writeFileSync(record, JSON.stringify(sameMachine));
      assertOnThisMachine(folder);
    }
    releaseMachine(folder);
    assert.ok(!existsSync(record));
  }));

test('no second process starts on data that a process has open, whatever has become of its lock file', () =>
  withFolder(async (folder) => {
    const options = { env: process.env, log: path.join(folder, 'log'), lock: path.join(folder, 'part') };
    const start = () => startDetached('sleep', ['60'], options);
    const first = start();
    while (!existsSync(options.lock)) await sleep(5);
    rmSync(options.lock);
    try {
      const second = start();
      while (isAlive(second)) await sleep(5);
    } catch (error) {
      // It had ended before it could be seen.
      assert.ok(error instanceof StackError);
    }
    assert.match(readFileSync(options.log, 'utf8'), /not started: .* still has the data open/);
    await end(first, 1_000);
    const third = start();
    while (!existsSync(options.lock)) await sleep(5);
    assert.ok(isAlive(third));
    await end(third, 1_000);
  }));

test('a server counts as ours only if our own process listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const parent = { pid: process.ppid, started: startTime(process.ppid) ?? '' };
  try {
    assert.equal(listensOn(thisProcess(), port), true);
    assert.equal(listensOn(parent, port), false);
    assert.equal(listensOn({ ...thisProcess(), started: '1' }, port), false);
    assert.equal(listensOn(undefined, port), false);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  assert.equal(listensOn(thisProcess(), port), false);
});

/** A server with threads of its own, which the kernel ends one after the other. Says its port. */
const MANY_THREADS = `
  const { Worker } = require('node:worker_threads');
  for (let i = 0; i < 6; i++) new Worker('setInterval(() => {}, 1000)', { eval: true });
  const server = require('node:net').createServer();
  server.listen(0, '127.0.0.1', () => setTimeout(() => console.log(server.address().port), 200));
`;

test('a killed server counts as gone only once its port is free', async () => {
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, ['-e', MANY_THREADS], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGKILL');
    // Without a pause: the event that collects the remains must not come in between.
    while (startTime(child.pid as number) !== undefined);
    const next = createServer();
    next.listen(Number(said), '127.0.0.1');
    await once(next, 'listening');
    await new Promise((resolve) => next.close(resolve));
  }
});

test('two stacks never share credentials, and a stack keeps its own', () =>
  withFolder(async (folder) => {
    const stack = new StackFolder(folder);
    const state = stack.read();
    stack.write(state);
    stack.setProcess('s3', { pid: 1, started: '2' });
    assert.deepEqual(stack.read(), { ...state, processes: { s3: { pid: 1, started: '2' } } });
    assert.notDeepEqual(new StackFolder(`${folder}/other`).read().credentials, state.credentials);
  }));

test('a damaged state file is an error that says how to go on', () =>
  withFolder(async (folder) => {
    writeFileSync(`${folder}/stack.json`, '{"version": 1');
    assert.throws(() => new StackFolder(folder).read(), StackError);
  }));

test('run ids carry name and time and are never the same twice', () => {
  const now = new Date('2026-01-31T14:22:33Z');
  assert.match(newRunId('knee', now), /^knee-20260131-142233-[0-9a-f]{4}$/);
  assert.ok(new Set(Array.from({ length: 5 }, () => newRunId('knee', now))).size > 1);
});
