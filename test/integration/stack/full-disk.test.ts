/** A stack on a disk that is full and freed again, with servers killed meanwhile. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { exists, GistUser } from '../../support/gist.js';
import { until } from '../../support/rig.js';

type Parts = { part: string; state: string; pid: number | null }[];
type State = {
  ports: Record<string, number>;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

let user: GistUser;
let isMounted = false;

before(async () => {
  user = await GistUser.create();
  mkdirSync(user.home);
  isMounted = mount('-t', 'tmpfs', '-o', 'size=200m,mode=700', 'gist-test', user.home);
});

after(async () => {
  await user.gist('down');
  if (isMounted) spawnSync('umount', ['-l', user.home]);
  await user.leave();
});

function mount(...args: string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

test('a stack survives a full disk, says how much room it needs, and continues once there is some', async (t) => {
  if (!isMounted) return t.skip('this user cannot mount a small disk');
  await user.json<Parts>('up');
  const { supervisor, ...parts } = await user.pids();
  const filler = path.join(user.home, 'filler');
  fill(filler);
  for (const pid of Object.values(parts)) process.kill(pid, 'SIGKILL');
  const log = path.join(user.home, 'logs', 'supervisor.log');
  await until('the parts are gone', async () => !Object.values(parts).some(exists));
  const { code, stderr } = await user.gist('up');
  assert.ok(code === 0 || /the disk of .* is full: \d+ MB free, \d+ MB needed/.test(stderr), stderr);
  assert.ok(exists(supervisor as number));
  rmSync(filler);
  await until('all of it serves', async () =>
    (await user.json<{ parts: Parts }>('status')).parts.every(({ state }) => state === 'serving'),
  );
  assert.match(readFileSync(log, 'utf8'), /the disk of .* is full: \d+ MB free, \d+ MB needed/);
  assert.equal((await user.pids()).supervisor, supervisor);
  await putObject();
  fill(filler);
  const pids = Object.values(await user.pids());
  const down = await user.gist('down');
  assert.equal(down.code, 0, down.stderr);
  assert.deepEqual(pids.filter(exists), []);
});

/** Writes until no byte fits any more. */
function fill(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (let bytes = 2 ** 20; bytes >= 1; ) {
      try {
        writeSync(fd, Buffer.alloc(bytes));
      } catch {
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Also what was read only while the disk was full accepts objects again. */
async function putObject(): Promise<void> {
  const record = JSON.parse(readFileSync(path.join(user.home, 'stack.json'), 'utf8')) as State;
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${record.ports['s3.port']}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: record.credentials,
  });
  await until('objects are written', async () => {
    await client.send(new PutObjectCommand({ Bucket: 'gist', Key: 'after', Body: Buffer.alloc(1e6) }));
    return true;
  });
}
