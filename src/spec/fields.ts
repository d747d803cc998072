/** Field types that several sections of a spec use. */
import { z } from 'zod';

/** A path, or a `file:///` or `s3://` address. */
export const uri = z
  .string()
  .min(1, 'must not be empty')
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
  .refine(
    (value) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || /^(file:\/\/\/|s3:\/\/[^/]+)/.test(value),
    'must be a path, file:///path or s3://bucket/prefix',
  );

/** Reports a value that is reserved for a later version. */
export function notAvailable(feature: string) {
  return (_value: unknown, context: z.core.$RefinementCtx): void => {
    context.addIssue({ code: 'custom', message: `${feature} is not available in this version` });
  };
}

/** An enumeration in which some values are reserved for a later version. */
export function enumWithFuture<const Now extends string, const Later extends string>(
  now: readonly [Now, ...Now[]],
  later: readonly Later[],
): z.ZodType<Now> {
  const schema = z.enum([...now, ...later] as [Now, ...(Now | Later)[]]).superRefine((value, context) => {
    if ((later as readonly string[]).includes(value)) notAvailable(`"${value}"`)(value, context);
  });
  return schema as z.ZodType<Now>;
}
