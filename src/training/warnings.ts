/** Warnings while a training is opened: logged at once, and collected for the `started` event. */
import type { Warn } from '../checkpoints/reader.js';
import { log } from '../core/log.js';

export function collectWarnings(): { warnings: string[]; warn: Warn } {
  const warnings: string[] = [];
  const warn = (message: string) => {
    log.warn(message);
    warnings.push(message);
  };
  return { warnings, warn };
}
