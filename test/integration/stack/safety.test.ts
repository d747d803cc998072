/** The embedded stack is its user's alone: files, ports, data and bucket, also behind a proxy. */
import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { exists, GistUser } from '../../support/gist.js';
import { otherUser } from '../../support/other-user.js';
import { until } from '../../support/rig.js';

type Parts = { part: string; state: string; pid: number | null; address: string | null }[];
type State = {
  ports: Record<string, number>;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

const OPEN_METHODS = ['GET', 'PUT', 'DELETE'] as const;
const OBJECTS = ['/gist/stack/probe.txt', '/buckets/gist/stack/probe.txt'];
/** What a master without a key would tell, give away and delete. */
const ADMINISTRATION = [
  '/',
  '/dir/assign',
  '/dir/assign?collection=gist&count=1',
  '/dir/lookup?volumeId=1',
  '/dir/lookup?fileId=1,01637037d6',
  '/dir/status',
  '/vol/status',
  '/vol/grow?count=1',
  '/vol/vacuum?garbageThreshold=0.9',
  '/collection/info?collection=gist',
  '/submit',
  '/cluster/status',
  // Last: a server that obeys has lost what the other requests look for.
  '/col/delete?collection=gist',
];
const CALLS = ['filer_pb.SeaweedFiler/ListEntries', 'master_pb.Seaweed/VolumeList'];
const ANSWER_MS = 3_000;
const IS_TEMPORAL = /^(temporal|temporalMetrics|ui)$/;

let user: GistUser;
let proxied = 0;
/** A proxy that refuses everything. */
const proxy = createServer((socket) => {
  proxied++;
  socket.destroy();
});

before(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const [web, socks] = [`http://${host}`, `socks5://${host}`];
  user = await GistUser.create({
    ...{ HTTP_PROXY: web, HTTPS_PROXY: web, ALL_PROXY: socks },
    ...{ http_proxy: web, https_proxy: web, all_proxy: socks, grpc_proxy: web },
    ...{ NO_PROXY: '', no_proxy: '' },
  });
});

after(async () => {
  await user.leave();
  proxy.close();
});

const state = () => JSON.parse(readFileSync(path.join(user.home, 'stack.json'), 'utf8')) as State;

test('nothing on this machine goes through a proxy', async () => {
  const parts = await user.json<Parts>('up');
  assert.deepEqual([...new Set(parts.map((part) => part.state))], ['serving']);
  await user.json('status');
  assert.equal(proxied, 0);
});

test('every folder and file of the stack is for its user only', () => {
  const entries = readdirSync(user.home, { recursive: true, encoding: 'utf8' });
  // SeaweedFS opens these, which hold the version of a volume, to all; their folder is closed.
  const own = entries.filter((name) => !name.endsWith('.vif'));
  assert.ok(own.length > 20);
  for (const name of ['', ...own]) {
    const entry = lstatSync(path.join(user.home, name), { throwIfNoEntry: false });
    if (entry?.isFile() || entry?.isDirectory())
      assert.equal((entry.mode & 0o777).toString(8), entry.isFile() ? '600' : '700', name);
  }
});

test('no port of the store serves anybody without a key', async () => {
  const ports = Object.entries(state().ports).filter(([name]) => !IS_TEMPORAL.test(name));
  assert.ok(ports.length >= 9);
  await Promise.all(ports.map(([name, port]) => assertClosed(name, port)));
});

async function assertClosed(name: string, port: number): Promise<void> {
  for (const method of OPEN_METHODS)
    for (const place of OBJECTS) await assertRefused(name, port, [method, place]);
  for (const method of ['GET', 'POST'])
    for (const place of ADMINISTRATION) await assertRefused(name, port, [method, place]);
  for (const call of CALLS) assert.ok(!(await answersCall(port, call)), `${call} on ${name}`);
}

async function assertRefused(name: string, port: number, [method, place]: [string, string]): Promise<void> {
  for (const ask of [http, https]) {
    const status = await statusOf(ask.request, { method, port, path: place });
    assert.ok(status >= 400, `${method} ${place} on ${name}: ${status}`);
  }
}

/** 999 for a server that does not answer in this protocol. */
function statusOf(request: typeof http.request, options: https.RequestOptions): Promise<number> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', rejectUnauthorized: false, timeout: ANSWER_MS, ...options })
      .once('error', () => resolve(999))
      .once('timeout', () => resolve(999))
      .once('response', (response) => {
        response.destroy();
        resolve(response.statusCode ?? 999);
      })
      .end();
  });
}

/** Whether a gRPC server answers without a certificate, with data or with an error of its own. */
function answersCall(port: number, call: string): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const settle = (answers: boolean) => {
      session.destroy();
      resolve(answers);
    };
    const request = session.request({
      ':method': 'POST',
      ':path': `/${call}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    session.once('error', () => settle(false));
    request
      .once('error', () => settle(false))
      .once('response', ({ ':status': status }) => settle(status === 200));
    request.end(Buffer.alloc(5));
    setTimeout(() => settle(false), ANSWER_MS).unref();
  });
}

test('another user is told whose stack it is', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can run a command as another user');
  const other = otherUser();
  try {
    chmodSync(user.folder, 0o755);
    for (const command of ['status', 'up', 'down']) {
      const { code, stderr } = await user.as({ other }).gist(command);
      assert.equal(code, 6, stderr);
      assert.match(stderr, /belongs to root, who must run this/);
      assert.match(stderr, /GIST_HOME/);
    }
  } finally {
    other.remove();
  }
});

test('runs that have ended are kept for 90 days', async () => {
  const connection = await Connection.connect({ address: `127.0.0.1:${state().ports.temporal}` });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 90 * 24 * 60 * 60);
  await connection.close();
});

test('a deleted bucket is named, and made again only when asked', async () => {
  const { ports, credentials } = state();
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${ports['s3.port']}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
  });
  await client.send(new DeleteBucketCommand({ Bucket: 'gist' }));
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, stderr } = await user.gist('up');
    assert.equal(code, 6, stderr);
    assert.match(stderr, /bucket "gist" of the embedded store.* deleted/);
    assert.match(stderr, /gist up --recreate-bucket/);
  }
  const parts = await user.json<Parts>('up', '--recreate-bucket');
  assert.ok(parts.every((part) => part.state === 'serving'));
  await user.json<Parts>('up');
});

test('a record that was removed is written again, and nothing restarts', async () => {
  const [before, known] = [await user.pids(), state()];
  rmSync(path.join(user.home, 'stack.json'));
  assert.ok((await user.json<Parts>('up')).every((part) => part.state === 'serving'));
  assert.deepEqual(await user.pids(), before);
  assert.deepEqual(state().credentials, known.credentials);
});

test('without record and supervisor, a stack is found by its locks: never two servers on one database', async () => {
  const lost = await loseRecordAndSupervisor();
  const parts = await user.json<Parts>('up');
  assert.ok(parts.every((part) => part.state === 'serving'));
  for (const pid of Object.values(lost)) assert.ok(!exists(pid));
  const left = await loseRecordAndSupervisor();
  assert.equal((await user.gist('down')).code, 0);
  for (const pid of Object.values(left)) assert.ok(!exists(pid));
});

/** Pids of the parts, which run on. */
async function loseRecordAndSupervisor(): Promise<Record<string, number>> {
  const pids = await user.pids();
  process.kill(pids.supervisor as number, 'SIGKILL');
  await until('the supervisor is gone', async () => !exists(pids.supervisor as number));
  rmSync(path.join(user.home, 'stack.json'));
  return pids;
}
