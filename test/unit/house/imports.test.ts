/** The import rules are alive: a planted breach of each kind fails the check. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const CRUISER = path.resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const RULES = 'scripts/import-rules.cjs';
const CONFIGURATION = ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json', RULES];

let copy: string;

before(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'gist-imports-'));
  mkdirSync(path.join(copy, 'scripts'));
  for (const file of CONFIGURATION) copyFileSync(file, path.join(copy, file));
  cpSync('src', path.join(copy, 'src'), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(copy, 'node_modules'));
});

after(() => rmSync(copy, { recursive: true, force: true }));

const BREACHES = [
  {
    breach: 'a workflow that reads files',
    file: 'src/workflows/planted-reader.ts',
    content: "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;\n",
    rule: 'workflows-are-deterministic',
  },
  {
    breach: 'a workflow that calls the code of an activity',
    file: 'src/workflows/planted.ts',
    content: "export { environment } from '../core/environment.js';\n",
    rule: 'workflows-are-deterministic',
  },
  {
    breach: 'a domain folder that knows Temporal',
    file: 'src/imaging/planted.ts',
    content: "import { Client } from '@temporalio/client';\nexport const planted = Client;\n",
    rule: 'temporal-stays-outside',
  },
  {
    breach: 'a domain folder that imports the command line',
    file: 'src/report/planted.ts',
    content: "import * as terminal from '../cli/terminal.js';\nexport const planted = terminal;\n",
    rule: 'imports-of-report',
  },
  {
    breach: 'a spec that imports storage',
    file: 'src/spec/planted.ts',
    content: "import * as storage from '../storage/index.js';\nexport const planted = storage;\n",
    rule: 'spec-is-pure',
  },
  {
    breach: 'the mathematics of networks that reads the object store',
    file: 'src/gan/planted.ts',
    content: "import * as storage from '../storage/index.js';\nexport const planted = storage;\n",
    rule: 'imports-of-gan',
  },
  {
    breach: 'a folder that has no rule',
    file: 'src/helpers/planted.ts',
    content: "export { GistError } from '../core/errors.js';\n",
    rule: 'every-folder-has-a-rule',
  },
];

const ALLOWED = 'src/report/allowed.ts';

/** The check as `npm run lint` does it, on the planted files and what they import. */
function cruise(files: string[]): Promise<{ code: unknown; said: string }> {
  const args = [CRUISER, '--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...files];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: copy, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } },
      (error, stdout, stderr) => {
        resolve({ code: error ? error.code : 0, said: stdout + stderr });
      },
    );
  });
}

test('an import that keeps the rules passes the check', async () => {
  writeFileSync(path.join(copy, ALLOWED), "export { GistError } from '../core/errors.js';\n");
  assert.deepEqual(await cruise([ALLOWED]).then(({ code }) => code), 0);
});

test('the check fails on breaches of the rules', async (t) => {
  mkdirSync(path.join(copy, 'src/helpers'));
  for (const { file, content } of BREACHES) writeFileSync(path.join(copy, file), content);
  const { code, said } = await cruise(BREACHES.map(({ file }) => file));
  assert.notEqual(code, 0);
  for (const { breach, file, rule } of BREACHES) {
    await t.test(`it names the rule that is broken by ${breach}`, () => {
      assert.match(said, new RegExp(`${rule}: ${file.replaceAll('.', '\\.')}`));
    });
  }
});

test('docs/architecture.md shows the folders and the imports that the linter enforces', () => {
  const rules = createRequire(import.meta.url)(path.resolve(RULES)) as Record<string, string[]>;
  const rows = readFileSync('docs/architecture.md', 'utf8').matchAll(/^\| `src\/(\w+)\/` \|.*\| (.*) \|$/gm);
  const documented = [...rows].map(([, folder, imports]) => [
    folder,
    [...(imports ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name).sort(),
  ]);
  const enforced = Object.entries(rules).map(([folder, imports]) => [folder, [...imports].sort()]);
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(enforced));
});
