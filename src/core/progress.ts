/** The one progress interface: domain code reports through it, and activities, commands and tests listen. */

/** A report of how far one piece of work has come. Small: it travels in heartbeats. */
export interface Progress {
  /** Units finished and, when known, the total. */
  done: number;
  total?: number;
  /** Name of a unit, plural: `images`, `shards`, `kimg`. */
  unit: string;
  /** Units a second over the recent past, when known. */
  rate?: number;
}

export type OnProgress = (progress: Progress) => void;
