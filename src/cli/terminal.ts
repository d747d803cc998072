/** Output of commands: results to standard output, everything else to standard error. */

export { duration } from '../core/duration.js';

/** Prints a result: text for people, one JSON document for machines. */
export function printResult(json: boolean | undefined, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
}

/** Prints one line of progress or information to standard error. */
export function printNotice(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Formats rows as text; each column is as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
