/** Reads tables of values separated by commas, semicolons or tabs (RFC 4180). */

/**
 * The rows of a table. Fields may be quoted, with doubled quotes and line breaks in them; lines end
 * with LF or CRLF, and empty ones are skipped. The separator is the one of , ; and tab that the
 * header has most of. A first line such as `sep=;`, which Excel writes, is no row.
 *
 * @returns null when a quoted field is not closed, or has text after its closing quote
 */
export function parseCsv(text: string): string[][] | null {
  const body = text.replace(/^\ufeff/, '').replace(/^sep=.[\r\n]+/i, '');
  const separator = separatorOf(body);
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < body.length) {
    const field = readField(body, at, separator);
    if (!field) return null;
    row.push(field.value);
    at = field.end;
    if (body[at] === separator) {
      at++;
      // The line, or the table, ends with an empty field.
      if (at === body.length) row.push('');
      continue;
    }
    at += body.startsWith('\r\n', at) ? 2 : 1;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

function separatorOf(body: string): string {
  const header = body.slice(0, body.search(/[\r\n]|$/)).replace(/"[^"]*"/g, '');
  const count = (separator: string) => header.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** The field at a position, and where it ends: at a separator, a line break or the end. */
function readField(body: string, start: number, separator: string): { value: string; end: number } | null {
  if (body[start] !== '"') {
    let end = start;
    while (end < body.length && body[end] !== separator && body[end] !== '\n' && body[end] !== '\r') end++;
    return { value: body.slice(start, end), end };
  }
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = body.indexOf('"', from);
    if (quote < 0) return null;
    value += body.slice(from, quote);
    if (body[quote + 1] !== '"') return endQuoted(body, value, quote + 1, separator);
    value += '"';
    from = quote + 2;
  }
}

/** Only spaces may follow a closing quote: other text means that quotes are not in pairs. */
function endQuoted(body: string, value: string, from: number, separator: string) {
  let end = from;
  while (body[end] === ' ') end++;
  const next = body[end];
  const isEnd = next === undefined || next === separator || next === '\n' || next === '\r';
  return isEnd ? { value, end } : null;
}
