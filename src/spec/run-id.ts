/** The id of a run: the name of its workflow, and of its folder in the store. */
import { z } from 'zod';
import { RunError } from '../core/errors.js';

/** Leaves room for the names of child workflows and of files that contain the id. */
const MAX_LENGTH = 128;

/** Neither a separator nor a name such as `..`: two ids never share a folder. */
export const runIdSchema = z
  .string()
  .min(1, 'is empty')
  .max(MAX_LENGTH, `is longer than ${MAX_LENGTH} characters`)
  .regex(/^[A-Za-z0-9]/, 'does not start with a letter or digit')
  // Temporal adds the time to the ids of scheduled runs, as in nightly-2026-01-31T02:00:00Z.
  .regex(
    /^[A-Za-z0-9._:-]*$/,
    'has characters other than letters, digits, dots, hyphens, underscores and colons',
  )
  .refine((id) => !id.includes('..') && !id.endsWith('.'), 'has two dots in a row, or a dot at its end')
  .describe('Id of a run.');

/** @throws RunError when it cannot be the id of a run. */
export function checkRunId(id: string): string {
  const parsed = runIdSchema.safeParse(id);
  if (parsed.success) return parsed.data;
  throw new RunError({
    what: `${JSON.stringify(id.slice(0, MAX_LENGTH))} cannot be the id of a run: it ${parsed.error.issues[0]?.message}`,
    hint: `An id has 1 to ${MAX_LENGTH} letters, digits, dots, hyphens, underscores and colons.`,
  });
}
