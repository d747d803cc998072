/** The object store on a real S3 server, SeaweedFS. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import test, { after, before, describe } from 'node:test';
import {
  GistError,
  PreconditionFailedError,
  StoreAccessError,
  StoreError,
  StoreUnavailableError,
} from '../../../src/core/errors.js';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { openStore } from '../../../src/storage/open-store.js';
import { RetryingStore } from '../../../src/storage/retrying-store.js';
import { type Seaweed, startSeaweed } from '../../support/seaweed.js';
import { testStoreContract } from '../../support/store-contract.js';

const seaweed = await startSeaweed();
seaweed.applyEnv();
after(() => seaweed.stop());

testStoreContract('S3', () => openStore('s3://gist/contract/prefix'));

/** Opens a store with changed environment variables, and restores them. */
function openWith(env: Record<string, string>, uri = 's3://gist/', idleTimeoutMs = 10_000) {
  Object.assign(process.env, env);
  try {
    return openStore(uri, { attempts: 2, idleTimeoutMs });
  } finally {
    seaweed.applyEnv();
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function assertNoSecret(error: unknown): asserts error is GistError {
  assert.ok(error instanceof GistError, String(error));
  const shown = `${error.message} ${JSON.stringify(error)}`;
  assert.ok(!shown.includes(seaweed.secretAccessKey) && !shown.includes('wrong-secret'));
  assert.ok(error.hint);
}

test('a wrong secret is a StoreAccessError with a hint and without the secret', async () => {
  process.env.AWS_SECRET_ACCESS_KEY = 'wrong-secret';
  const store = openStore('s3://gist/', { attempts: 2 });
  const calls = [
    () => store.get('x'),
    () => store.head('x'),
    () => store.put('x', Buffer.from('x')),
    () => Readable.from(store.list('')).toArray(),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assertNoSecret(error);
      return error instanceof StoreAccessError;
    });
  }
  seaweed.applyEnv();
});

test('a missing bucket is a StoreAccessError, also for a head', async () => {
  const store = openStore('s3://no-such-bucket/');
  const calls = [() => store.get('x'), () => store.head('x'), () => Readable.from(store.list('')).toArray()];
  for (const call of calls)
    await assert.rejects(call, (error) => error instanceof StoreAccessError && /bucket/.test(error.message));
});

test('a malformed address is a StoreError', () => {
  assert.throws(() => openWith({ AWS_ENDPOINT_URL: 'not an address' }), StoreError);
  assert.throws(() => openWith({ AWS_ENDPOINT_URL: 'ftp://127.0.0.1/' }), StoreError);
});

test('an unreachable server is a StoreUnavailableError', async () => {
  const server = createServer();
  const endpoint = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(openWith({ AWS_ENDPOINT_URL: endpoint }).get('x'), (error) => {
    assertNoSecret(error);
    return error instanceof StoreUnavailableError;
  });
});

test('a server that accepts connections and never answers causes a timeout', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  const endpoint = await listen(server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const store = openWith({ AWS_ENDPOINT_URL: endpoint }, 's3://gist/', 500);
  await assert.rejects(store.head('x'), StoreUnavailableError);
  await assert.rejects(store.put('x', Buffer.from('x')), StoreUnavailableError);
});

test('a server that stops in the middle of a body causes a timeout', async (t) => {
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half');
  });
  const endpoint = await listen(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const store = openWith({ AWS_ENDPOINT_URL: endpoint }, 's3://gist/', 500);
  await assert.rejects(store.get('x'), StoreUnavailableError);
});

test('a body that ends early is requested again', async (t) => {
  let requests = 0;
  const server = createHttpServer((_request, response) => {
    requests++;
    response.writeHead(200, { 'content-length': '10' });
    if (requests === 1) response.write('01234', () => response.destroy());
    else response.end('0123456789');
  });
  const endpoint = await listen(server);
  t.after(() => server.close());
  assert.equal(Buffer.from(await openWith({ AWS_ENDPOINT_URL: endpoint }).get('x')).toString(), '0123456789');
});

test('a large put whose last response was lost succeeds, even if the upload no longer exists on the server', async (t) => {
  let completions = 0;
  const proxy = createHttpServer((incoming, outgoing) => {
    const completes = incoming.method === 'POST' && /uploadId=/.test(incoming.url ?? '');
    if (completes && ++completions > 1) {
      incoming.resume();
      outgoing.writeHead(404, { 'content-type': 'application/xml' });
      outgoing.end('<?xml version="1.0"?><Error><Code>NoSuchUpload</Code><Message>m</Message></Error>');
      return;
    }
    const { method, url, headers } = incoming;
    const upstream = request(seaweed.endpoint, { method, path: url, headers }, (answer) => {
      if (completes) {
        answer.resume().once('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(upstream);
  });
  const endpoint = await listen(proxy);
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const bytes = Buffer.alloc(20 << 20, 7);
  const info = await openWith({ AWS_ENDPOINT_URL: endpoint }).put('forgotten', bytes);
  assert.ok(completions >= 2);
  assert.equal(info.bytes, bytes.byteLength);
  assert.deepEqual(Buffer.from(await openStore('s3://gist/').get('forgotten')), bytes);
});

for (const [status, code] of [
  [500, 'InternalError'],
  [503, 'SlowDown'],
  [429, 'TooManyRequests'],
  [400, 'KMS.ThrottlingException'],
  [503, 'AccessDenied'],
] as const) {
  test(`status ${status} ${code} is retried and then a StoreUnavailableError`, async (t) => {
    let requests = 0;
    const server = createHttpServer((request, response) => {
      requests++;
      request.resume();
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`);
    });
    const endpoint = await listen(server);
    t.after(() => server.close());
    await assert.rejects(openWith({ AWS_ENDPOINT_URL: endpoint }).get('x'), StoreUnavailableError);
    if (status !== 400) assert.ok(requests >= 2);
  });
}

for (const [status, code, says] of [
  [400, 'ExpiredToken', /AWS_SESSION_TOKEN/],
  [400, 'ExpiredTokenException', /AWS_SHARED_CREDENTIALS_FILE/],
  [403, 'RequestTimeTooSkewed', /clock of this machine/],
  [403, 'InvalidAccessKeyId', /AWS_ACCESS_KEY_ID/],
  [403, 'SignatureDoesNotMatch', /AWS_SECRET_ACCESS_KEY/],
  [403, 'AccessDenied', /Allow the user/],
  [400, 'KMS.DisabledException', /KMS key/],
] as const) {
  test(`${code} is a fault of this machine's access, also of a head, with a hint`, async (t) => {
    const server = createHttpServer((request, response) => {
      request.resume();
      // A response to HEAD has no body, and therefore no code.
      response.writeHead(status, { 'content-type': 'application/xml' });
      if (request.method === 'HEAD') return void response.end();
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`);
    });
    const endpoint = await listen(server);
    t.after(() => server.close());
    const store = openWith({ AWS_ENDPOINT_URL: endpoint });
    for (const call of [() => store.get('x'), () => store.head('x')])
      await assert.rejects(call, (error) => error instanceof StoreAccessError && says.test(error.message));
  });
}

describe('credentials in a file', () => {
  let folder: string;
  let file: string;
  const write = ({ accessKeyId, secretAccessKey }: Pick<Seaweed, 'accessKeyId' | 'secretAccessKey'>) =>
    writeFile(
      file,
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-credentials-'));
    file = path.join(folder, 'credentials');
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    Object.assign(process.env, { AWS_SHARED_CREDENTIALS_FILE: file, AWS_EC2_METADATA_DISABLED: 'true' });
  });
  after(async () => {
    delete process.env.AWS_SHARED_CREDENTIALS_FILE;
    delete process.env.AWS_EC2_METADATA_DISABLED;
    seaweed.applyEnv();
    await rm(folder, { recursive: true, force: true });
  });

  test('are read again after they were refused', async () => {
    const store = openStore('s3://gist/');
    await write({ ...seaweed, secretAccessKey: 'wrong-secret' });
    await assert.rejects(store.put('renewed', Buffer.from('x')), StoreAccessError);
    await write(seaweed);
    await store.put('renewed', Buffer.from('x'));
  });

  test('are read again at once when a key that was in use is refused', async () => {
    const rotating = await startSeaweed();
    process.env.AWS_ENDPOINT_URL = rotating.endpoint;
    try {
      const store = openStore('s3://gist/');
      await write(rotating);
      await store.put('before', Buffer.from('x'));
      await rotating.kill();
      rotating.env.AWS_SECRET_ACCESS_KEY = 'rotated-secret';
      await rotating.restart();
      await write({ ...rotating, secretAccessKey: 'rotated-secret' });
      await store.put('after', Buffer.from('x'));
    } finally {
      process.env.AWS_ENDPOINT_URL = seaweed.endpoint;
      await rotating.stop();
    }
  });

  test('are waited for when there are none yet', async () => {
    await rm(file);
    let refusals = 0;
    const store = new RetryingStore(openStore('s3://gist/'), {
      initialDelayMs: 10,
      onUnavailable: () => {
        if (++refusals === 2) void write(seaweed);
      },
    });
    assert.equal(await store.head('nothing-here'), null);
    assert.ok(refusals >= 2);
  });
});

test('a server that is not an S3 server causes a GistError', async (t) => {
  const server = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<html><body>nothing here</body>');
  });
  const endpoint = await listen(server);
  t.after(() => server.close());
  const store = openWith({ AWS_ENDPOINT_URL: endpoint });
  await assert.rejects(store.get('x'), GistError);
  await assert.rejects(store.head('x'), GistError);
  await assert.rejects(Readable.from(store.list('')).toArray(), GistError);
});

test('the retry of a conditional put whose response was lost recognizes its own object', async (t) => {
  // A proxy that drops the response to the first PUT, as a broken connection does.
  let dropped = false;
  const proxy = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const headers = { ...(request.headers as Record<string, string>) };
      const host = headers.host;
      for (const name of ['connection', 'content-length', 'expect', 'transfer-encoding'])
        delete headers[name];
      const body = ['GET', 'HEAD'].includes(request.method ?? '') ? undefined : Buffer.concat(chunks);
      const answer = await forward(
        `${seaweed.endpoint}${request.url}`,
        request.method ?? 'GET',
        { ...headers, host: host ?? '' },
        body,
      );
      if (request.method === 'PUT' && !dropped) {
        dropped = true;
        response.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  });
  const endpoint = await listen(proxy);
  t.after(() => proxy.close());
  const store = openWith({ AWS_ENDPOINT_URL: endpoint });
  await store.put('lost-response', Buffer.from('mine'), { ifAbsent: true });
  assert.ok(dropped);
  await assert.rejects(
    store.put('lost-response', Buffer.from('other'), { ifAbsent: true }),
    PreconditionFailedError,
  );
});

async function forward(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
) {
  const { request } = await import('node:http');
  return new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>((resolve, reject) => {
    const outgoing = request(
      url,
      { method, headers: { ...headers, 'content-length': String(body?.length ?? 0) } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('listings of several pages are complete and in order', async () => {
  const store = openStore('s3://gist/pages/');
  const keys = Array.from({ length: 1100 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
  for (let i = 0; i < keys.length; i += 32) {
    await Promise.all(keys.slice(i, i + 32).map((key) => store.put(key, Buffer.from('x'))));
  }
  const listed = await Readable.from(store.list('many/')).toArray();
  assert.deepEqual(
    listed.map((item: { key: string }) => item.key),
    keys,
  );
});

test('a listing that fails in between resumes behind the last object, across folders', async () => {
  const store = openStore('s3://gist/nested/');
  const keys = ['a/1', 'a/2', 'a/b/1', 'a/b/2', 'a-b', 'b/1', 'c'];
  for (const key of keys) await store.put(key, Buffer.from('x'));
  const unsteady = Object.create(store, {
    list: {
      async *value(...given: Parameters<typeof store.list>) {
        let yielded = 0;
        for await (const info of store.list(...given)) {
          if (++yielded > 2) throw new StoreUnavailableError({ what: 'the page was lost' });
          yield info;
        }
      },
    },
  }) as typeof store;
  const retrying = new RetryingStore(unsteady, { initialDelayMs: 1 });
  const listed = await Readable.from(retrying.list('')).toArray();
  assert.deepEqual(listed.map((item: { key: string }) => item.key).sort(), [...keys].sort());
});

test('uploads that a killed process left unfinished are aborted, and no others', async () => {
  const client = new S3Client({ forcePathStyle: true });
  const begin = (Key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: 'gist', Key }));
  for (const key of ['p/run/a.claim1.x', 'p/run/b.claim2.x', 'p/other/a.claim1.x']) await begin(key);
  await openStore('s3://gist/p/').abortUploads('run/', (key) => key === 'run/a.claim1.x');
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'gist', Prefix: 'p/' }));
  assert.deepEqual(Uploads?.map(({ Key }) => Key).sort(), ['p/other/a.claim1.x', 'p/run/b.claim2.x']);
  client.destroy();
});

test('a server that was killed and came back still has what it acknowledged', async () => {
  const store = openStore('s3://gist/');
  await store.put('kept', Buffer.from('kept'));
  await seaweed.kill();
  await assert.rejects(openStore('s3://gist/', { attempts: 1 }).get('kept'), StoreUnavailableError);
  await seaweed.restart();
  // Its parts find each other after it answers: some first requests fail with status 500.
  const patient = new RetryingStore(store, { limitMs: 60_000 });
  assert.equal(Buffer.from(await patient.get('kept')).toString(), 'kept');
});
