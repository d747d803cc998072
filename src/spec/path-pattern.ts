/** Patterns over the path of an image, with the named groups `label` and `patient`. */

/**
 * The regular expression of a pattern. It matches from the start of a folder or file name on. A `*`
 * at the start or after a letter, `_`, `-`, `/` or a space stands for any characters of a name, as
 * in a shell, and `**` also for slashes: `XR_*` is any name that starts with XR_. Everywhere else
 * `*` repeats, as in any regular expression: `\w*`.
 *
 * @throws SyntaxError when it is no regular expression
 */
export function compilePathPattern(pattern: string): RegExp {
  const pieces = pattern.match(/\\.|\[(?:\\.|[^\]\\])*\]|\*+|[\s\S]/gu) ?? [];
  const source = pieces.map((piece, i) => {
    const isWildcard = piece.startsWith('*') && (i === 0 || /^[\p{L}_\-/ ]$/u.test(pieces[i - 1] ?? ''));
    if (!isWildcard) return piece;
    return piece === '*' ? '[^/]*' : '.*';
  });
  return new RegExp(`(?:^|/)${source.join('')}`, 'u');
}

/** What is wrong with a pattern that must have a group, or null. */
export function patternProblem(pattern: string, group: 'label' | 'patient'): string | null {
  try {
    compilePathPattern(pattern);
  } catch {
    return 'must be a regular expression over the path of an image';
  }
  return pattern.includes(`(?<${group}>`) ? null : `must have the group (?<${group}>...)`;
}
