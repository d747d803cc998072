/** How an ended run continues: the command, and the checkpoint that it resumes from. */
import { newestListed } from '../checkpoints/index.js';
import type { CheckpointRef } from '../spec/results.js';
import { deploymentStore } from './deployment-store.js';

export interface Continuation {
  command: string;
  /** null: it starts from scratch, or the store does not answer. */
  checkpoint: CheckpointRef | null;
  /** A sentence for people. */
  message: string;
}

/** The store is asked for this long; the command is the same without its answer. */
const STORE_MS = 3_000;

export async function continuationOf(runId: string): Promise<Continuation> {
  const command = `gist retry ${runId}`;
  const store = deploymentStore();
  const found = store ? await withinStoreTime(newestListed(store, runId)) : undefined;
  if (found === undefined)
    return { command, checkpoint: null, message: `\`${command}\` resumes from its last checkpoint.` };
  const message = found
    ? `\`${command}\` resumes from ${found.kimg} kimg.`
    : `\`${command}\` starts it again and reuses its finished stages.`;
  return { command, checkpoint: found, message };
}

/** undefined when the store does not answer. */
async function withinStoreTime<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), STORE_MS);
  });
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
