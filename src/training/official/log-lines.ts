/**
 * Prepares the official trainer's output for logs and errors: without paths of this machine, in
 * short lines.
 */
import { homedir, tmpdir } from 'node:os';

const MAX_LENGTH = 300;

/** An absolute path, up to the name of the file; addresses have two slashes and are left alone. */
const FOLDERS = /(?<![\w:/.>~])\/(?:[^\s/'"<>:,;()]+\/)+/g;

/**
 * A line without the folders that it names: they may contain names of people.
 *
 * @param folders that are known to occur, each with its replacement; they may contain spaces.
 */
export function withoutFolders(line: string, folders: Readonly<Record<string, string>> = {}): string {
  const known = { ...folders, [tmpdir()]: '<tmp>', [homedir()]: '~' };
  const longestFirst = Object.entries(known).sort(([a], [b]) => b.length - a.length);
  let text = line;
  for (const [folder, word] of longestFirst) if (folder.length > 1) text = text.replaceAll(folder, word);
  return text.replace(FOLDERS, '').trimEnd().slice(0, MAX_LENGTH);
}
