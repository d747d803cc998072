/** What the listing of a source finds besides its images. */
import { counted } from '../../core/counted.js';
import { REMEDIES, SKIPPED } from './file-kinds.js';

/** Number of label files that are remembered; a source has a handful. */
const MAX_TABLES = 100;

/** Reasons of files that are documents: a folder of such files is no class. */
const DOCUMENTS: readonly string[] = [SKIPPED.other, SKIPPED.table];

/** Complete once the source is listed. */
export class SourceContents {
  /** Number of skipped files and folders, by reason. */
  readonly skipped: Record<string, number> = {};
  /** Names of .csv, .tsv and .json files, at most {@link MAX_TABLES}. */
  readonly tables: string[] = [];
  /** Every folder, as a relative path; also those without images. */
  readonly folders = new Set<string>();

  /** Folders that hold files which are neither images nor of the system. */
  readonly documents = new Set<string>();

  /** @param name relative path of the file, where it has one */
  skip(reason: string, name = ''): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
    if (DOCUMENTS.includes(reason) && name.includes('/'))
      this.documents.add(name.slice(0, name.lastIndexOf('/')));
  }

  /** A file that may hold labels. It is no image, so it counts as skipped. */
  addTable(name: string): void {
    this.skip(SKIPPED.table, name);
    if (this.tables.length < MAX_TABLES) this.tables.push(name);
  }

  /** Adds the folders of a file, or an archive's entry for a folder, which ends in a slash. */
  addFolders(name: string): void {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const folder = name.slice(0, at);
      if (this.folders.has(folder)) return;
      this.folders.add(folder);
    }
  }

  /** Number of skipped files and folders. */
  get ignored(): number {
    return Object.values(this.skipped).reduce((sum, count) => sum + count, 0);
  }
}

/** A notice for each kind of files that may hold images, with what to do about them. */
export function skippedNotices(skipped: Readonly<Record<string, number>>): string[] {
  return Object.entries(skipped).flatMap(([reason, count]) => {
    const remedy = REMEDIES[reason];
    return remedy === undefined ? [] : [`left out: ${counted(count, reason)}. ${remedy.replace(/\.$/, '')}`];
  });
}

/** Says counts by reason: `6 Netpbm images; 2 other files`. */
export function describeSkipped(skipped: Readonly<Record<string, number>>): string {
  return Object.entries(skipped)
    .map(([reason, count]) => counted(count, reason))
    .join('; ');
}
