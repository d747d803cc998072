/** Reports the settings that a training chose, in the log and in the store. */
import { recordAutomaticSettings } from '../checkpoints/automatic-settings.js';
import { log } from '../core/log.js';
import type { AutomaticSetting } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';

export async function reportAutomaticSettings(
  store: ObjectStore,
  runPrefix: string,
  settings: readonly AutomaticSetting[],
): Promise<void> {
  for (const { key, value, reason } of settings) log.info('setting chosen', { key, value, reason });
  await recordAutomaticSettings(store, runPrefix, settings);
}
