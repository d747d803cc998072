/**
 * Reads the run folder of train.py while it trains: a line of statistics and a snapshot per tick.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const statisticSchema = z.object({
  num: z.number().nullable(),
  mean: z.number().nullable(),
  std: z.number().nullable(),
});

/**
 * A line of stats.jsonl: `{num, mean, std}` by name, and `timestamp`, in seconds since 1970. null:
 * not finite.
 */
const recordSchema = z.record(z.string(), z.union([statisticSchema, z.number().nullable()]));
export type StatsRecord = z.output<typeof recordSchema>;

export interface Tick {
  /** Thousands of images that this run of train.py has shown, exactly. */
  kimg: number;
  record: StatsRecord;
}

const STATS = 'stats.jsonl';

/** Mean of a statistic; null when it is missing or not finite. */
export function meanOf(record: StatsRecord, name: string): number | null {
  const value = record[name];
  return typeof value === 'object' ? (value?.mean ?? null) : (value ?? null);
}

/**
 * A line of stats.jsonl; null when it is invalid. Python writes NaN and Infinity, which are not
 * JSON.
 */
export function parseTick(line: string): Tick | null {
  try {
    const json = line.replace(/(?<=[:[,]\s*)(?:NaN|-?Infinity)\b/g, 'null');
    const record = recordSchema.parse(JSON.parse(json));
    const kimg = meanOf(record, 'Progress/kimg');
    return kimg === null ? null : { kimg, record };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

export class RunFolder {
  private folder: string | null = null;
  private consumed = 0;

  /** @param outdir empty folder in which train.py makes its run folder, `00000-<description>` */
  constructor(private readonly outdir: string) {}

  /**
   * Ticks that have ended since the last call. train.py writes the line of a tick after its
   * snapshot.
   */
  async newTicks(): Promise<Tick[]> {
    const file = await this.pathOf(STATS);
    if (!file) return [];
    const size = await sizeOfFile(file);
    if (size <= this.consumed) return [];
    const fresh = (await readFile(file)).subarray(this.consumed);
    // A line is complete once it has its newline.
    const end = fresh.lastIndexOf(0x0a) + 1;
    this.consumed += end;
    const lines = fresh.subarray(0, end).toString('utf8').split('\n');
    return lines.map(parseTick).filter((tick) => tick !== null);
  }

  /** Name of the snapshot that a tick leaves: by whole thousands of images. */
  static snapshotName({ kimg }: Pick<Tick, 'kimg'>): string {
    // Of 4.032 kimg, binary fractions may make 4.0319999.
    return `network-snapshot-${String(Math.floor(kimg + 1e-6)).padStart(6, '0')}.pkl`;
  }

  /** null when it does not exist. */
  async readSnapshot(name: string): Promise<Uint8Array | null> {
    const file = await this.pathOf(name);
    return file && (await sizeOfFile(file)) > 0 ? readFile(file) : null;
  }

  /**
   * Removes the snapshots and pictures that are no longer needed: a long training would fill the
   * disk with them.
   *
   * @param newest name of the newest known snapshot; later ones stay
   * @param kept names of older ones that are still needed
   */
  async removeBefore(newest: string, kept: ReadonlySet<string>): Promise<void> {
    if (!this.folder) return;
    const limit = kimgOf(newest) ?? 0;
    for (const name of await readdir(this.folder)) {
      const kimg = kimgOf(name);
      if (kimg !== null && kimg < limit && !kept.has(name))
        await rm(path.join(this.folder, name), { force: true });
    }
  }

  private async pathOf(name: string): Promise<string | null> {
    this.folder ??= await this.find();
    return this.folder && path.join(this.folder, name);
  }

  private async find(): Promise<string | null> {
    const entries = await readdir(this.outdir, { withFileTypes: true });
    const run = entries.find((entry) => entry.isDirectory() && /^\d{5}-/.test(entry.name));
    return run ? path.join(this.outdir, run.name) : null;
  }
}

/** Whole thousands of images by the name of a snapshot or of a picture; null for other files. */
function kimgOf(name: string): number | null {
  const digits = /^(?:network-snapshot-|fakes)(\d+)\.(?:pkl|png)$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** 0 for a file that does not exist yet. */
async function sizeOfFile(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
