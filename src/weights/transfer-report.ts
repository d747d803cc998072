/** The record of a transfer beside a run's checkpoints, `transfer.json`. */
import { z } from 'zod';
import type { TransferReport } from '../spec/results.js';
import { findJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { trainPrefix } from '../checkpoints/manifest.js';

const counts = z.object({ copied: z.int(), initialized: z.int() });
const reportSchema = z.object({
  from: z.string(),
  kimg: z.number(),
  networks: z.object({ G: counts, D: counts, G_ema: counts }).partial(),
  initialized: z.array(z.string()),
  notes: z.array(z.string()),
});

function keyOf(runPrefix: string): string {
  return `${runPrefix}transfer.json`;
}

/** The record of a run's training; null when it started from scratch. */
export function findTransfer(store: ObjectStore, runId: string): Promise<TransferReport | null> {
  return findJson(store, keyOf(trainPrefix(runId)), reportSchema);
}

export async function recordTransfer(
  store: ObjectStore,
  runPrefix: string,
  report: TransferReport,
): Promise<void> {
  await putJson(store, keyOf(runPrefix), report);
}

/** The report in one sentence. */
export function describeTransfer({ from, kimg, networks, initialized, notes }: TransferReport): string {
  const parts = Object.entries(networks).map(
    ([name, { copied, initialized }]) => `${name} ${copied} of ${copied + initialized} tensors`,
  );
  const rest = initialized.length > 0 ? `; ${initialized.length} start from initial values` : '';
  const before = kimg > 0 ? ` at ${kimg} kimg` : '';
  return [`starts from ${from}${before}: ${parts.join(', ')} copied${rest}`, ...notes].join('; ');
}
