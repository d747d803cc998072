/** Parses a list of seeds: `0-99`, `3,7,12-20`. */
import { UsageError } from '../core/errors.js';

const MAX_SEEDS = 1_000_000;

/** @throws UsageError for anything else, or for more than a million seeds */
export function parseSeeds(text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const match = /^\s*(\d{1,10})(?:-(\d{1,10}))?\s*$/.exec(part);
    if (!match) throw invalidSeeds(text);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last - first >= MAX_SEEDS || last >= 2 ** 31) throw invalidSeeds(text);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  if (seeds.length > MAX_SEEDS) throw invalidSeeds(text);
  return seeds;
}

function invalidSeeds(text: string): UsageError {
  return new UsageError({
    what: `--seeds ${text} is not a list of seeds`,
    hint: 'Write --seeds 0-99 or --seeds 3,7,12-20.',
  });
}
