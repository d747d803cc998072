/** A run as commands show it. */
import type { RunProgress, TrainHeartbeat } from '../spec/controls.js';
import type { Ended } from './ended.js';
import type { RunStatus } from './known-run.js';
import type { Waiting } from './waiting.js';

/** A run, as `gist status RUN --json` shows it; the same keys for every state. */
export interface LiveProgress extends RunProgress {
  status: RunStatus;
  /**
   * Where the progress comes from: the run's own answer; the server's records, when no worker
   * answers for the run; the store, when Temporal has forgotten the run.
   */
  source: 'run' | 'server' | 'store';
  /** Numbers of the attempt that trains now; null between attempts. */
  live: TrainHeartbeat | null;
  /** Why the run does not advance; null when it does, and when the server did not tell in time. */
  waiting: Waiting | null;
  /** How it ended; null while it runs. */
  ended: Ended | null;
}
