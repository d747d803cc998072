/**
 * The documents keep up with the repository: links lead somewhere, dependencies and commands are
 * those of package.json.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const ROOT = new URL('../../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');
const manifest = JSON.parse(read('package.json')) as Record<
  'scripts' | 'dependencies' | 'devDependencies',
  Record<string, string>
>;

const documents = ['', 'docs/', 'docs/decisions/', 'examples/'].flatMap((folder) =>
  readdirSync(new URL(folder === '' ? '.' : folder, ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`),
);

describe('documents', () => {
  for (const file of documents) {
    it(`${file} links only to files that exist`, () => {
      const links = [...read(file).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] as string);
      for (const link of links.filter((target) => !target.startsWith('http'))) {
        assert.ok(existsSync(new URL(link, new URL(file, ROOT))), link);
      }
    });

    it(`${file} names only npm scripts that exist`, () => {
      const called = [...read(file).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] as string);
      for (const name of called) assert.ok(manifest.scripts[name], name);
    });
  }

  it('every decision is listed in docs/decisions/README.md', () => {
    const list = read('docs/decisions/README.md');
    for (const name of documents.filter(
      (file) => file.startsWith('docs/decisions/') && !file.endsWith('README.md'),
    )) {
      assert.ok(list.includes(name.slice('docs/decisions/'.length)), name);
    }
  });

  it('every dependency has its reason in docs/decisions/dependencies.md, and no other is listed', () => {
    const rows = [...read('docs/decisions/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(
      (match) => match[1] as string,
    );
    const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).map((name) =>
      name.replace(/^@types\/.*/, '@types/*'),
    );
    assert.deepEqual(rows.sort(), [...new Set(wanted)].sort());
  });
});
