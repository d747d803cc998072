/** The check of texts: it finds long lines, odd words and curly quotes, and leaves code alone. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { breaches } = (await import(pathToFileURL(path.resolve('scripts/lint/text.mjs')).href)) as {
  breaches(file: string, text: string): string[];
};

const LONG = 'word '.repeat(25);

test('a comment, and a paragraph of Markdown, has at most 100 columns', () => {
  assert.match(breaches('src/a.ts', `// ${LONG}`).join(), /a\.ts:1 is \d+ columns wide/);
  assert.match(breaches('src/a.ts', ` * ${LONG}`).join(), /columns wide/);
  assert.match(breaches('docs/a.md', `# A\n\n${LONG}`).join(), /a\.md:3 is \d+ columns wide/);
});

test('tables, code and links may be wider', () => {
  assert.deepEqual(breaches('docs/a.md', `| ${LONG} |`), []);
  assert.deepEqual(breaches('docs/a.md', `\`\`\`\n${LONG}\n\`\`\``), []);
  assert.deepEqual(breaches('docs/a.md', `- item\n  \`\`\`\n  ${LONG}\n  \`\`\``), []);
  assert.deepEqual(breaches('src/a.ts', `const text = '${LONG}';`), []);
});

const PLANTED = { anew: 'starts anew', spelling: 'the colour of it', quotes: 'it’s' };

for (const [name, text] of Object.entries(PLANTED)) {
  test(`${name}: the line and what to write instead are named`, () => {
    assert.match(breaches('src/a.ts', `const a = 1;\n// ${text}`).join(), /^src\/a\.ts:2 has ".+": \w/);
  });
}
