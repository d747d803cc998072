/** What the official trainer prints, made fit for logs and errors: no path of this machine, and no endless line. */
import { homedir, tmpdir } from 'node:os';

const MAX_LENGTH = 300;

/** An absolute path, up to the name of the file; addresses have two slashes and are left alone. */
const FOLDERS = /(?<![\w:/.>~])\/(?:[^\s/'"<>:,;()]+\/)+/g;

/**
 * A line without the folders that it names: they may hold names of people.
 *
 * @param folders that are known to occur, each with the word that it is replaced by; they may have spaces in them.
 */
export function withoutFolders(line: string, folders: Readonly<Record<string, string>> = {}): string {
  const known = { ...folders, [tmpdir()]: '<tmp>', [homedir()]: '~' };
  const longestFirst = Object.entries(known).sort(([a], [b]) => b.length - a.length);
  let text = line;
  for (const [folder, word] of longestFirst) if (folder.length > 1) text = text.replaceAll(folder, word);
  return text.replace(FOLDERS, '').trimEnd().slice(0, MAX_LENGTH);
}
