/** The one logger: lines on standard error, as text for people or JSON for machines. */

type Level = 'debug' | 'info' | 'warn' | 'error';
const SEVERITY: Record<Level, number> = { debug: 10, info: 20, warn: 30, error: 40 };

/**
 * Values that may be logged: names, ids and numbers; never pixels, file contents or patient data.
 */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

function write(level: Level, message: string, fields: LogFields = {}): void {
  const threshold = SEVERITY[(process.env.GIST_LOG_LEVEL ?? 'info') as Level] ?? SEVERITY.info;
  if (SEVERITY[level] < threshold) return;
  const time = new Date().toISOString();
  if (process.env.GIST_LOG_FORMAT === 'json') {
    process.stderr.write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
    return;
  }
  const tail = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');
  process.stderr.write(`${time} ${level.padEnd(5)} ${message}${tail ? `  ${tail}` : ''}\n`);
}

export const log = {
  debug: (message: string, fields?: LogFields) => write('debug', message, fields),
  info: (message: string, fields?: LogFields) => write('info', message, fields),
  warn: (message: string, fields?: LogFields) => write('warn', message, fields),
  error: (message: string, fields?: LogFields) => write('error', message, fields),
};
