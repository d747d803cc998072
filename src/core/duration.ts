/** Lengths of time as people write them: `90s`, `2m`. */

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds; undefined unless it is a number above 0 with a unit of ms, s, m or h. */
export function parseDuration(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text.trim()) ?? [];
  const duration = Number(number) * (MILLISECONDS[unit] ?? 0);
  return duration > 0 ? duration : undefined;
}
