/** Tells somebody that a run needs attention, by a webhook, a command, or both. */
import { spawn } from 'node:child_process';
import { environment } from '../core/environment.js';
import { log } from '../core/log.js';
import type { Attention } from '../spec/controls.js';

/** Body of the webhook, and standard input of the command, as JSON. */
export interface Notification {
  runId: string;
  state: 'needs-attention';
  attention: Attention;
  /** Commands that continue the run. */
  commands: string[];
}

const TIMEOUT_MS = 30_000;

export function createNotifyActivities() {
  return {
    /** Does nothing where neither `GIST_NOTIFY_URL` nor `GIST_NOTIFY_COMMAND` is set. */
    async notifyAttention({ runId, attention }: { runId: string; attention: Attention }): Promise<void> {
      log.warn('a run needs attention', { runId, error: attention.message });
      const notification: Notification = {
        runId,
        state: 'needs-attention',
        attention,
        commands: [`gist resume ${runId}`, `gist retry ${runId}`],
      };
      const body = JSON.stringify(notification);
      const url = environment.notifyUrl();
      const command = environment.notifyCommand();
      await Promise.all([url && post(url, body), command && execute(command, body)]);
    },
  };
}

export type NotifyActivities = ReturnType<typeof createNotifyActivities>;

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { ok, status } = await fetch(url, { method: 'POST', headers, body, signal });
  if (!ok) throw new Error(`GIST_NOTIFY_URL answers with status ${status}`);
}

/** A shell interprets the command, as in a crontab. */
function execute(command: string, input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ['pipe', 'ignore', 'ignore'], timeout: TIMEOUT_MS });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`GIST_NOTIFY_COMMAND ends with code ${code}`)),
    );
    // A command that does not read its input is fine.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
