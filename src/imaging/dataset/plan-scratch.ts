/** Tables and files of a plan on disk, which are removed together. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../../core/scratch.js';
import { DiskTable } from './disk-table.js';

export class PlanScratch {
  readonly #folder: string;
  readonly #tables: DiskTable[] = [];
  #files = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Calls `work` with a new one, and removes it afterwards. */
  static async with<T>(work: (scratch: PlanScratch) => Promise<T>): Promise<T> {
    const folder = await makeScratchFolder('plan');
    const scratch = new PlanScratch(folder);
    try {
      return await work(scratch);
    } finally {
      for (const table of scratch.#tables) table.close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Path of a file that does not exist yet. */
  file(): string {
    return path.join(this.#folder, String(this.#files++));
  }

  table(): DiskTable {
    const table = new DiskTable(this.file());
    this.#tables.push(table);
    return table;
  }
}
