/** The list of parts: the same for set-up and product, and pinned by hash on every platform. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SetupError } from '../../../src/core/errors.js';
import { allParts, type SetupPart, partPath } from '../../../src/core/parts.js';

/** The variables that decide where parts are looked for, and which. */
const VARIABLES = ['GIST_CACHE_DIR', 'GIST_TENSORFLOW'] as const;
const given = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'gist-parts-'));
  process.env.GIST_CACHE_DIR = cache;
});

afterEach(() => {
  rmSync(cache, { recursive: true });
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/**
 * Set-up's own reading of the list: plain JavaScript, since it runs before anything is installed.
 */
async function partsOfSetup(): Promise<Record<string, SetupPart>> {
  const { partsOf } = (await import(
    new URL('../../../../scripts/setup/parts.mjs', import.meta.url).href
  )) as {
    partsOf(root: string): Record<string, SetupPart>;
  };
  return partsOf('.');
}

describe('the list of parts', () => {
  it('is read alike by set-up and product, for CPU and CUDA', async () => {
    for (const tensorflow of ['cpu', 'cuda']) {
      process.env.GIST_TENSORFLOW = tensorflow;
      assert.deepEqual(await partsOfSetup(), allParts());
    }
  });

  it('is pinned by version and SHA-256 on every platform', () => {
    const files = readdirSync('requirements').filter((name) => name.startsWith('wheels-'));
    assert.ok(files.includes('wheels-linux-x64.txt') && files.includes('wheels-linux-x64-cuda.txt'));
    for (const file of files) {
      const platform = file.slice('wheels-'.length, -'.txt'.length);
      const lines = readFileSync(path.join('requirements', file), 'utf8').split('\n');
      for (const part of partsOn(platform)) {
        const pin = new RegExp(
          `^${part.wheel}==${part.version.replaceAll('.', '\\.')} --hash=sha256:[0-9a-f]{64}$`,
        );
        assert.ok(
          lines.some((line) => pin.test(line)),
          `${file}: ${part.wheel}`,
        );
        for (const wheel of part.with ?? [])
          assert.ok(
            lines.some((line) => line.startsWith(`${wheel}==`)),
            wheel,
          );
      }
    }
  });

  it('gives folders their versions, so that two versions never share one', () => {
    for (const part of Object.values(allParts()))
      assert.ok(part.folder.endsWith(`-${part.version}`), part.folder);
  });
});

describe('the path of a part', () => {
  it('is refused, with the way to fix it, when the part is missing', () => {
    assert.throws(
      () => partPath('weed'),
      (error: unknown) =>
        error instanceof SetupError &&
        error.what === 'SeaweedFS, the S3 server is missing' &&
        error.where?.startsWith(cache) === true &&
        error.hint === 'Run `npm run setup`.',
    );
  });
});

/** As the file lists them, for a platform that need not be this one. */
function partsOn(platform: string): SetupPart[] {
  const listed = JSON.parse(readFileSync('requirements/parts.json', 'utf8')) as Record<
    string,
    SetupPart & { on?: Record<string, Partial<SetupPart>> }
  >;
  return Object.values(listed).map((part) => ({ ...part, ...part.on?.[platform] }));
}
