/** The record of settings that a training chose, `settings.json` beside its checkpoints. */
import { z } from 'zod';
import type { AutomaticSetting } from '../spec/results.js';
import { findJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { trainPrefix } from './manifest.js';

const recordSchema = z.array(z.object({ key: z.string(), value: z.string(), reason: z.string() }));

function keyOf(runPrefix: string): string {
  return `${runPrefix}settings.json`;
}

export async function recordAutomaticSettings(
  store: ObjectStore,
  runPrefix: string,
  settings: readonly AutomaticSetting[],
): Promise<void> {
  await putJson(store, keyOf(runPrefix), settings);
}

/** Of a run's training; empty before it has started. */
export async function findAutomaticSettings(store: ObjectStore, runId: string): Promise<AutomaticSetting[]> {
  return (await findJson(store, keyOf(trainPrefix(runId)), recordSchema)) ?? [];
}

/** One line a setting: `cfg: stylegan2 (auto: no GPU in use)`. */
export function describeAutomaticSetting({ key, value, reason }: AutomaticSetting): string {
  return `${key}: ${value} (auto: ${reason})`;
}
