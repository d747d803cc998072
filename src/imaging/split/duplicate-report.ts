/** Counts of copies, as a manifest holds them. */
import { z } from 'zod';

const countSchema = z.object({
  /** Number of sets of copies. */
  sets: z.int(),
  /** Number of images in these sets. */
  images: z.int(),
});

export const duplicateReportSchema = z.object({
  /** How copies were looked for. */
  method: z.enum(['ignore', 'exact', 'near']),
  /** Why, where `auto` chose. */
  why: z.string(),
  /** Files with the same bytes. */
  exact: countSchema,
  /** Images that look the same; exact copies included. */
  near: countSchema,
});
export type DuplicateReport = z.output<typeof duplicateReportSchema>;
