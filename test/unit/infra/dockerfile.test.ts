/**
 * The Dockerfile copies what exists, pins its base, and runs without root; no container engine is
 * needed to check it.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const ROOT = new URL('../../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

/** Instructions with their continuation lines joined: [['FROM', 'node:...'], ...]. */
const instructions = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => /^(\w+)\s+(.*)$/.exec(line)?.slice(1, 3) as [string, string]);
const all = (name: string): string[] =>
  instructions.filter(([word]) => word === name).map(([, rest]) => rest);

/** Sources that are copied from this repository, not from another stage. */
const sources = all('COPY')
  .filter((rest) => !rest.startsWith('--from'))
  .flatMap((rest) => rest.split(/\s+/).slice(0, -1));

/** What .dockerignore lets through; it begins by ignoring everything. */
const sent = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

describe('Dockerfile', () => {
  it('copies only what is in the repository', () => {
    assert.ok(sources.length > 5);
    for (const source of sources) assert.ok(existsSync(new URL(source, ROOT)), source);
  });

  it('copies only what .dockerignore sends', () => {
    for (const source of sources) assert.ok(sent.includes(source), source);
  });

  it('pins its base image to an exact version', () => {
    assert.match(all('ARG').join('\n'), /^NODE_VERSION=\d+\.\d+\.\d+$/m);
    for (const base of all('FROM')) assert.match(base, /^node:\$\{NODE_VERSION\}-\w+/);
  });

  it('runs as a user without rights, with gist as its command', () => {
    const last = instructions.map(([word]) => word);
    assert.equal(all('USER').at(-1), 'node');
    assert.ok(last.lastIndexOf('USER') > last.lastIndexOf('RUN'));
    assert.deepEqual(JSON.parse(all('ENTRYPOINT')[0] as string), ['node', '/opt/gist/bin/gist.mjs']);
  });

  it('calls scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const called = [
      ...all('RUN')
        .join('\n')
        .matchAll(/npm run (\w+)/g),
    ].map((match) => match[1] as string);
    assert.deepEqual(called, ['setup', 'build']);
    for (const name of called) assert.ok(scripts[name], name);
  });

  it('sets only variables that the code reads', () => {
    const code = ['src/core/environment.ts', 'scripts/setup.mjs']
      .filter((file) => existsSync(new URL(file, ROOT)))
      .map(read)
      .join('\n');
    const set = [
      ...all('ENV')
        .join(' ')
        .matchAll(/\b(GIST_\w+)=/g),
    ].map((match) => match[1] as string);
    assert.ok(set.length > 0);
    for (const variable of set)
      assert.match(code, new RegExp(`\\b${variable}\\b`), `nothing reads ${variable}`);
  });
});
