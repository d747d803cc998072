/** A run that needs attention reaches the webhook and the command of the deployment. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, test } from 'node:test';
import { createNotifyActivities, type Notification } from '../../../src/activities/notify.js';
import { withFolder } from '../../support/images.js';

const { notifyAttention } = createNotifyActivities();
const RUN = {
  runId: 'knee-1',
  attention: {
    stage: 'train' as const,
    type: 'CheckpointLostError',
    message: 'D.safetensors is missing.',
    attempts: 1,
    sinceMs: 1_769_869_353_000,
  },
};

afterEach(() => {
  delete process.env.GIST_NOTIFY_URL;
  delete process.env.GIST_NOTIFY_COMMAND;
});

/** Calls `work` with the address of a server that answers `status`. @returns what it received */
async function received(status: number, work: (url: string) => Promise<void>): Promise<Notification[]> {
  const bodies: Notification[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(JSON.parse(await text(request)) as Notification);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return bodies;
}

test('the webhook receives the reason and the commands that continue the run', async () => {
  const [body] = await received(200, async (url) => {
    process.env.GIST_NOTIFY_URL = url;
    await notifyAttention(RUN);
  });
  assert.deepEqual(body, {
    runId: 'knee-1',
    state: 'needs-attention',
    attention: RUN.attention,
    commands: ['gist resume knee-1', 'gist retry knee-1'],
  });
});

test('a webhook that refuses is an error, so that the message is sent again', async () => {
  await received(503, async (url) => {
    process.env.GIST_NOTIFY_URL = url;
    await assert.rejects(notifyAttention(RUN), /GIST_NOTIFY_URL answers with status 503/);
  });
});

test('the command receives the same on its standard input', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'message.json');
    process.env.GIST_NOTIFY_COMMAND = `cat > '${file}'`;
    await notifyAttention(RUN);
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as Notification).runId, 'knee-1');
  });
});

test('a command that fails is an error, and without both nothing happens', async () => {
  await notifyAttention(RUN);
  process.env.GIST_NOTIFY_COMMAND = 'exit 3';
  await assert.rejects(notifyAttention(RUN), /GIST_NOTIFY_COMMAND ends with code 3/);
});
