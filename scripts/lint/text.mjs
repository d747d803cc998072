/** Checks the text of comments, messages and documents: line length, quotes, spelling and words. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const COLUMNS = 100;
/** Checked files, except this check and its test, which contain the words. */
const TEXTS = /^(src|test|bench|scripts|docs|README|CONTRIBUTING|CHANGELOG|examples).*\.(ts|mjs|md)$/;
/** Words to replace, with what to write instead. */
const WORDS = [
  [/\banew\b/i, 'from scratch, again'],
  [/\bto the bit\b/i, 'bit-exact'],
  [/\bworked off\b/i, 'accumulated over'],
  [/\btold of\b/i, 'reported'],
  [/\bof before\b/i, 'earlier'],
  [/\bby hand\b/i, 'manually'],
  [/\b(lest|nought|yardstick|thereof)\b/i, 'plain English'],
  [
    /\b(colour|behaviour|optimis|initialis|normalis|equalis|regularis|recognis|memoris(?!ation:)|licence|centre\b|grey\b)/i,
    'American spelling',
  ],
  [/[‘’“”]/, 'straight quotes'],
];

/** @returns one line for each breach: file, line, what is wrong */
export function breaches(file, text) {
  const isMarkdown = file.endsWith('.md');
  let inCode = false;
  return text.split('\n').flatMap((line, index) => {
    if (isMarkdown && line.trim().startsWith('```')) inCode = !inCode;
    const at = `${file}:${index + 1}`;
    const found = inCode ? [] : wordsIn(line).map((what) => `${at} ${what}`);
    const isProse = isMarkdown ? !inCode && !/^\||https?:|^!?\[/.test(line) : /^\s*(\/\/|\/?\*)/.test(line);
    if (isProse && line.length > COLUMNS)
      found.push(`${at} is ${line.length} columns wide, more than ${COLUMNS}`);
    return found;
  });
}

function wordsIn(line) {
  return WORDS.flatMap(([word, instead]) => {
    const match = word.exec(line);
    return match ? [`has "${match[0]}": ${instead}`] : [];
  });
}

function main() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  }).split('\n');
  const checked = files.filter((file) => TEXTS.test(file) && !/(lint|house)\/text\./.test(file));
  const found = checked.flatMap((file) => breaches(file, readFileSync(path.join(root, file), 'utf8')));
  for (const breach of found) process.stderr.write(`${breach}\n`);
  process.stdout.write(
    found.length === 0
      ? `texts: ${checked.length} files are in order\n`
      : `texts: ${found.length} breaches\n`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
