/** The conclusion of a report as lines for a terminal. */
import type { Conclusion } from '../spec/results.js';

const LEVELS: Record<Conclusion['level'], string> = {
  good: 'No concern',
  caution: 'Read with care',
  warning: 'Warning',
};

export function conclusionText({ level, headline, shows, limits }: Conclusion): string[] {
  const items = (lines: readonly string[]) => lines.map((line) => `  - ${line}`);
  return [
    `${LEVELS[level]}: ${headline}`,
    'What this shows:',
    ...items(shows),
    'What this does not show:',
    ...items(limits),
  ];
}
