/** Weights of classifier networks are fetched, imported and used by `gist metrics`. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodePng } from '../../../src/imaging/index.js';
import { checkedState, CLASSIFIERS } from '../../../src/nn/classifiers/index.js';
import { encodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { download, findClassifier, isPublished } from '../../../src/weights/classifiers/index.js';
import { formulaState } from '../../support/formula-weights.js';
import { GistUser } from '../../support/gist.js';

const SIDE = 24;

interface Kept {
  network: string;
  file: string;
  published: boolean;
  sha256: string;
}

describe('weights of classifier networks', () => {
  let server: Server;
  let user: GistUser;
  let address: string;
  const files = new Map<string, Uint8Array>();

  before(async () => {
    files.set(
      '/weights-inception-2015-12-05-6726825d.pth',
      encodeSafetensors(formulaState(CLASSIFIERS.inception, 7)),
    );
    files.set('/resnet50-0676ba61.pth', Buffer.from('<html>not found</html>'));
    server = createServer(({ url = '' }, response) => {
      const bytes = files.get(url);
      response.writeHead(bytes ? 200 : 404, { 'content-length': bytes?.byteLength ?? 0 }).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    user = await GistUser.create({ GIST_WEIGHTS_URL: address });
    user = user.as({ env: { GIST_DATA_CACHE: path.join(user.folder, 'cache') } });
    for (const [set, shift] of [
      ['real', 0],
      ['fake', 3],
    ] as const) {
      await mkdir(path.join(user.folder, set));
      for (let i = 0; i < 12; i++) {
        const pixels = Uint8Array.from(
          { length: SIDE * SIDE },
          (_, at) => ((at * (i + 5 + shift)) % 97) + 60,
        );
        await writeFile(path.join(user.folder, set, `${i}.png`), await encodePng(pixels, SIDE, SIDE, 1));
      }
    }
  });
  after(async () => {
    server.close();
    await user?.leave();
  });

  const compare = (...options: string[]) =>
    user.gist('metrics', '--real', 'real', '--fake', 'fake', '--extractor', 'inception', ...options);

  test('without weights, the command that brings them is named', async () => {
    const { code, stderr } = await compare();
    assert.equal(code, 7);
    assert.match(stderr, /gist weights fetch inception/);
    const spec = { name: 'x', preprocess: { source: 'real' }, evaluate: { extractor: 'vgg16' } };
    await writeFile(path.join(user.folder, 'spec.json'), JSON.stringify(spec));
    const run = await user.gist('run', 'spec.json');
    assert.equal(run.code, 7);
    assert.match(run.stderr, /gist weights fetch vgg16/);
  });

  test('weights are fetched from a mirror, and another digest than the published one is told', async () => {
    const { code, stdout, stderr } = await user.gist('weights', 'fetch', 'inception', '--json');
    assert.equal(code, 0, stderr);
    const kept = JSON.parse(stdout) as Kept;
    assert.doesNotMatch(stderr, /experimental|UNDICI/i, 'no warning of a library');
    assert.equal(kept.network, 'inception');
    assert.equal(kept.published, false);
    assert.match(stderr, /digest of weights-inception-2015-12-05-6726825d\.pth is not that of published/);
    assert.ok(isPublished('inception', `6726825d${kept.sha256.slice(8)}`));
  });

  test('gist metrics computes the official metrics with them', async () => {
    const { code, stdout, stderr } = await compare('--json');
    assert.equal(code, 0, stderr);
    const values = JSON.parse(stdout) as Record<string, number> & { caveats: string[]; extractor: string };
    assert.equal(values.extractor, 'inception');
    assert.ok((values.fid50k_full as number) > 0);
    assert.ok((values['is50k.fake'] as number) >= 1);
    for (const name of ['kid50k_full', 'pr_inception.precision', 'fid50k_full.real_halves', 'is50k.real'])
      assert.ok(Number.isFinite(values[name]), name);
    assert.ok(values.caveats.some((caveat) => /12 synthetic images instead of 50000/.test(caveat)));
    assert.ok(
      values.caveats.some((caveat) =>
        /fewer than its 2048 features.*fd_infinity_inception.*kid_inception/.test(caveat),
      ),
    );
    const { intervals } = values as unknown as { intervals: Record<string, { low: number; high: number }> };
    const interval = intervals.kid50k_full;
    assert.ok(interval && interval.low < (values.kid50k_full as number));
  });

  test('metrics are chosen by name; unknown ones and those of other extractors are refused', async () => {
    const one = await compare('--metrics', 'kid50k_full', '--json');
    assert.deepEqual(Object.keys(JSON.parse(one.stdout) as object).sort(), [
      'analyses',
      'caveats',
      'classes',
      'extractor',
      'extractors',
      'fits',
      'images.fake',
      'images.real',
      'intervals',
      'kid50k_full',
      'kid50k_full.real_halves',
      'kid50k_full.real_halves.spread',
      'kid50k_full.spread',
    ]);
    const other = await compare('--metrics', 'fd_effnetlite0');
    assert.equal(other.code, 2);
    assert.match(other.stderr, /--extractor effnetlite0/);
    const unknown = await compare('--metrics', 'fid50');
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /fid50k_full/);
  });

  test('images of other sizes are told', async () => {
    const big = await encodePng(new Uint8Array(40 * 40).fill(99), 40, 40, 1);
    await writeFile(path.join(user.folder, 'real', 'big.png'), big);
    const { stdout } = await compare('--metrics', 'kid50k_full');
    assert.match(stdout, /Note: The images have different sizes \(24 to 40 pixels a side\)/);
  });

  test('what is not the network is not kept', async () => {
    const page = await user.gist('weights', 'fetch', 'resnet50');
    assert.equal(page.code, 4);
    assert.match(page.stderr, /neither a state dict of PyTorch nor a safetensors file/);
    const missing = await user.gist('weights', 'fetch', 'vgg16');
    assert.equal(missing.code, 5);
    assert.match(missing.stderr, /answers 404/);
    const wrong = await user.gist(
      'weights',
      'import',
      `${address}/weights-inception-2015-12-05-6726825d.pth`,
      '--as',
      'resnet50',
    );
    assert.equal(wrong.code, 4);
    assert.match(wrong.stderr, /not a state dict of resnet50: conv1\.weight is missing/);
    const unknown = await user.gist('weights', 'fetch', 'resnet18');
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /inception, resnet50/);
  });
});

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-download-'));
});
beforeEach(() => {
  file = path.join(folder, randomUUID());
});
after(() => rm(folder, { recursive: true }));

test('a download that declares more than the limit is refused before it is read, and says so', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 3e9 });
    response.write('a');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await assert.rejects(
      download(`http://127.0.0.1:${port}/x.pth`, file, () => undefined),
      /larger than 2 GB/,
    );
    await assert.rejects(access(file));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a compressed answer is complete, although its length is that of the compressed bytes', async () => {
  const content = Buffer.alloc(5_000, 'weights');
  const server = createServer((_, response) => {
    const zipped = gzipSync(content);
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length }).end(zipped);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await download(`http://127.0.0.1:${port}/x.pth`, file, () => undefined);
    assert.ok(content.equals(await readFile(file)));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves a file by ranges, and ends each connection after a part of it. */
function cutting(contents: () => { etag: string; bytes: Buffer }, sent: string[]): Server {
  return createServer(({ headers }, response) => {
    const { etag, bytes } = contents();
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const isRest = from > 0 && headers['if-range'] === etag;
    sent.push(isRest ? `rest from ${from}` : 'all');
    const body = isRest ? bytes.subarray(from) : bytes;
    response.writeHead(isRest ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(isRest && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    const part = body.subarray(0, 4_000);
    if (part.length === body.length) response.end(part);
    else response.write(part, () => setTimeout(() => response.destroy(), 20));
  });
}

test('a download that is cut resumes where it was', async () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 10_000 }, (_, i) => i % 251));
  const sent: string[] = [];
  const server = cutting(() => ({ etag: '"one"', bytes }), sent);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const progress: number[] = [];
  try {
    await download(`http://127.0.0.1:${port}/x.pth`, file, ({ done }) => void progress.push(done));
    assert.ok(bytes.equals(await readFile(file)));
    assert.deepEqual(sent, ['all', 'rest from 4000', 'rest from 8000']);
    assert.equal(progress.at(-1), bytes.length);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('of a file that changed while its download was cut, the new one is downloaded', async () => {
  const bytes = [1, 2].map((value) => Buffer.alloc(6_000, value)) as [Buffer, Buffer];
  const sent: string[] = [];
  const server = cutting(
    () => (sent.length === 0 ? { etag: '"old"', bytes: bytes[0] } : { etag: '"new"', bytes: bytes[1] }),
    sent,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await download(`http://127.0.0.1:${port}/x.pth`, file, () => undefined);
    assert.ok(bytes[1].equals(await readFile(file)));
    assert.deepEqual(sent, ['all', 'all', 'rest from 4000']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a download that breaks off leaves no file', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('a', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await assert.rejects(
      download(`http://127.0.0.1:${port}/x.pth`, file, () => undefined),
      /broke off/,
    );
    await assert.rejects(access(file));
  } finally {
    server.close();
  }
});

for (const variable of ['http_proxy', 'HTTP_PROXY'])
  test(`a download goes through the proxy that ${variable} names`, async () => {
    const tunnels: string[] = [];
    const server = createServer((_, response) => response.end('weights'));
    const proxy = createServer();
    proxy.on('connect', ({ url = '' }, client) => {
      tunnels.push(url);
      const [, port] = url.split(':');
      const target = connect(Number(port), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.pipe(client).pipe(target);
      });
      target.on('error', () => client.destroy());
      client.on('error', () => target.destroy());
    });
    for (const one of [server, proxy])
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    const at = (one: Server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
    const names = ['http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'];
    const saved = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) delete process.env[name];
    process.env[variable] = at(proxy);
    try {
      await download(`${at(server)}/x.pth`, file, () => undefined);
      assert.equal(await readFile(file, 'utf8'), 'weights');
      assert.deepEqual(tunnels, [at(server).slice('http://'.length)]);
    } finally {
      for (const [name, value] of saved) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      server.closeAllConnections();
      proxy.closeAllConnections();
      server.close();
      proxy.close();
    }
  });

test('the published form of SwAV is that of its extractor, without head and prototypes', () => {
  const trunk = formulaState(CLASSIFIERS.swav_resnet50, 7);
  const tensor = { shape: [2, 2], data: new Float32Array(4) };
  const published = {
    ...Object.fromEntries(Object.entries(trunk).map(([name, value]) => [`module.${name}`, value])),
    'module.projection_head.0.weight': tensor,
    'module.prototypes.weight': tensor,
  };
  assert.equal(findClassifier(published), 'swav_resnet50');
  assert.deepEqual(
    Object.keys(checkedState(CLASSIFIERS.swav_resnet50, published, 'x')).sort(),
    Object.keys(trunk).sort(),
  );
  assert.equal(findClassifier(formulaState(CLASSIFIERS.resnet50, 7)), 'resnet50');
});
