/**
 * The compose file says only what the code and the image really offer; no container engine is
 * needed to check it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { environment } from '../../../src/core/environment.js';

const ROOT = new URL('../../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

const serviceSchema = z.object({
  image: z.string(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.literal('service_healthy') })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).min(2) }),
  build: z.object({ context: z.literal('..'), args: z.object({ DEVICE: z.enum(['cpu', 'cuda']) }) }),
});
const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});

const compose = composeSchema.parse(parse(read('infra/compose.yaml'), { merge: true }));
const services = Object.entries(compose.services);
const workers = services.filter(([, { command }]) => command[0] === 'worker');

/** Variables that SDKs and SeaweedFS read by themselves, by their public names. */
const STANDARD = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'S3_BUCKET',
];

describe('infra/compose.yaml', () => {
  it('names an exact version of every image, the one of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const [name, { image, build }] of services) {
      assert.equal(image, `gist:${version}${build.args.DEVICE === 'cuda' ? '-cuda' : ''}`, name);
    }
  });

  it('sets only variables that something reads', () => {
    const code = read('src/core/environment.ts') + read('src/core/log.ts');
    const known = new Set([
      ...STANDARD,
      ...[...code.matchAll(/process\.env\.(\w+)/g)].map((match) => match[1] as string),
    ]);
    for (const [name, { environment }] of services) {
      for (const variable of Object.keys(environment))
        assert.ok(known.has(variable), `${name}: nothing reads ${variable}`);
    }
  });

  it('points workers at ports on which the servers listen', () => {
    for (const [name, { environment }] of workers) {
      const [temporalHost, temporalPort] = (environment.TEMPORAL_ADDRESS as string).split(':');
      const s3 = new URL(environment.AWS_ENDPOINT_URL as string);
      assert.ok(compose.services[temporalHost as string]?.command.includes(temporalPort as string), name);
      assert.ok(compose.services[s3.hostname]?.command.includes(`-s3.port=${s3.port}`), name);
    }
  });

  it('gives workers the credentials and the bucket of the S3 server', () => {
    const server = compose.services.s3?.environment;
    for (const [name, { environment }] of workers) {
      for (const key of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
        assert.equal(environment[key], server?.[key], name);
      assert.equal(environment.GIST_STORE, `s3://${server?.S3_BUCKET}/`, name);
    }
  });

  it('has a worker for each queue that the code knows', () => {
    const queues = new Set(workers.map(([, { command }]) => command[command.indexOf('--queue') + 1]));
    assert.deepEqual([...queues].sort(), ['cpu', 'gpu']);
    assert.match(read('src/workers/preflight.ts'), /type Queue = 'cpu' \| 'gpu' \| 'both'/);
  });

  it('waits for servers that exist, and mounts volumes that are declared', () => {
    for (const [name, service] of services) {
      for (const other of Object.keys(service.depends_on))
        assert.ok(compose.services[other], `${name} waits for ${other}`);
      for (const mount of service.volumes) {
        const source = mount.split(':')[0] as string;
        assert.ok(mount.startsWith('${') || source in compose.volumes, `${name} mounts ${source}`);
      }
    }
  });

  it('opens its ports to this machine only', () => {
    for (const port of services.flatMap(([, { ports }]) => ports)) assert.match(port, /^127\.0\.0\.1:/);
  });

  it('contains no secret', () => {
    const secrets = services.flatMap(([, { environment }]) => environment.AWS_SECRET_ACCESS_KEY ?? []);
    assert.ok(secrets.length > 0);
    for (const secret of secrets) assert.match(secret, /^\$\{GIST_S3_SECRET:\?/);
  });

  it('gives a worker more time to stop than its own shutdown takes', () => {
    const raw = parse(read('infra/compose.yaml'), { merge: true }) as {
      services: Record<string, { stop_grace_period?: string }>;
    };
    const graceMs = environment.graceMs();
    for (const [name] of workers) {
      const minutes = Number(/^(\d+)m$/.exec(raw.services[name]?.stop_grace_period ?? '')?.[1]);
      assert.ok(minutes * 60_000 > graceMs, name);
    }
  });
});
