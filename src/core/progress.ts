/**
 * The progress interface: domain code reports through it; activities, commands and tests receive
 * the reports.
 */

/** Progress of one piece of work. Small, since heartbeats carry it. */
export interface Progress {
  /** Units finished and, when known, the total. */
  done: number;
  total?: number;
  /** Name of a unit, plural: `images`, `shards`, `kimg`. */
  unit: string;
  /** Recent units per second, when known. */
  rate?: number;
}

/** The unit of reports of work that waits for its turn. */
export const WAITING = 'waiting';

export type OnProgress = (progress: Progress) => void;
