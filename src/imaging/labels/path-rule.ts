/** Applies a pattern of the user to the paths of all images, within a time limit. */
import { runInNewContext } from 'node:vm';
import { DatasetError } from '../../core/errors.js';
import { compilePathPattern } from '../../spec/path-pattern.js';
import { Column, type Sequence } from '../source/column.js';

/** Number of paths matched at once, and the time for them: a hundred times what they need. */
const BATCH = 1000;
const BATCH_MS = 5000;

/**
 * The named groups of a pattern in each path, or null where it does not match. A pattern that
 * backtracks for ever is stopped: the limit works inside a regular expression too.
 *
 * @throws DatasetError when matching takes too long
 */
export function matchPaths(pattern: string, paths: Sequence<string>, where: string): Sequence<PathGroups> {
  const regex = compilePathPattern(pattern);
  let batch: { start: number; found: PathGroups[] } = { start: -1, found: [] };
  const matchFrom = (start: number) => {
    const length = Math.min(BATCH, paths.length - start);
    const own = Array.from({ length }, (_, i) => paths.at(start + i) as string);
    batch = { start, found: matchBatch(regex, own, where) };
  };
  return new Column(paths.length, (i) => {
    const start = i - (i % BATCH);
    if (start !== batch.start) matchFrom(start);
    return batch.found[i - start] ?? null;
  });
}

/** The groups that matched. */
export type PathGroups = { label?: string; patient?: string } | null;

function matchBatch(regex: RegExp, paths: readonly string[], where: string): PathGroups[] {
  const work = () => paths.map((path) => regex.exec(path)?.groups ?? null);
  try {
    return runInNewContext('work()', { work }, { timeout: BATCH_MS }) as PathGroups[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new DatasetError({
      what: 'the pattern over the path takes too long, since it can match in too many ways',
      where,
      hint: 'Do not repeat a group that repeats, as in (a+)+; name the folders around the group.',
    });
  }
}
