/** A stack whose port was taken while its server was down: it moves, and its worker with it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { exists, GistUser } from '../../support/gist.js';
import { until } from '../../support/rig.js';

type Parts = { part: string; state: string; pid: number | null; address: string | null }[];

const user = await GistUser.create();
const other = createServer();
after(async () => {
  other.close();
  await user.leave();
});

test('a server whose port another program has taken moves to a free one, and no worker stays at the old address', async () => {
  const parts = await user.json<Parts>('up');
  const of = (all: Parts, name: string) => all.find(({ part }) => part === name);
  const port = Number(/:(\d+)/.exec(of(parts, 'temporal')?.address ?? '')?.[1]);
  const { supervisor, temporal, worker } = await user.pids();
  process.kill(supervisor as number, 'SIGSTOP');
  process.kill(temporal as number, 'SIGKILL');
  await until('the port is taken', async () => {
    if (!other.listening) other.once('error', () => undefined).listen(port, '127.0.0.1');
    return other.listening;
  });
  process.kill(supervisor as number, 'SIGCONT');
  await until('the stack serves again', async () => {
    const now = (await user.json<{ parts: Parts }>('status').catch(() => ({ parts: [] as Parts }))).parts;
    return now.length > 0 && now.every(({ state }) => state === 'serving') && !exists(worker as number);
  });
  const { parts: now } = await user.json<{ parts: Parts }>('status');
  assert.doesNotMatch(of(now, 'temporal')?.address ?? '', new RegExp(`:${port},`));
  assert.equal(of(now, 'supervisor')?.pid, supervisor);
});
