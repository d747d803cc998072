/** What the phases of a training have in common. */
import type { NetworkConfig } from '../config.js';
import type { TrainingOptions } from './options.js';

export interface PhaseContext {
  config: NetworkConfig;
  options: TrainingOptions;
  /** Names of the variables that each optimizer trains. */
  trained: { G: readonly string[]; D: readonly string[] };
}
