/** Says a number of things in words. */

const NOUN = /\b(image|file|name|link|archive|volume|set|row|class|director|patient|frame|slice)(es|ies|s)\b/;

/**
 * `2 images that are damaged`, `1 image that is damaged`.
 *
 * @param things in the plural; the first noun is changed, and verbs behind it
 */
export function counted(count: number, things: string): string {
  if (count !== 1 || /^\w+ and /.test(things)) return `${count} ${things}`;
  const one = things
    .replace(NOUN, (_, stem: string) => (stem === 'director' ? 'directory' : stem))
    .replace(/\bare\b/g, 'is')
    .replace(/\bhave\b/g, 'has')
    .replace(/\bis copies\b/g, 'is a copy')
    .replace(/\b(leave|give|match)\b/g, (verb) => (verb === 'match' ? 'matches' : `${verb}s`))
    .replace(/\blook\b/g, 'looks');
  return `1 ${one}`;
}
