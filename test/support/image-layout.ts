/**
 * The folders of the container image, made by the steps of the Dockerfile without a container
 * engine: what it copies, and the command by which it sets up.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../../src/core/environment.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** In `node_modules`, files that npm and set-up write in place. */
const REWRITTEN = ['.package-lock.json', '.gist-cache'];

export interface ImageLayout {
  folder: string;
  /** The `gist` command. */
  main: string;
  cache: string;
  /** Variables that the Dockerfile sets, with the paths of this layout. */
  env: Record<string, string>;
  remove(): void;
}

/** @param data what `/data` is in a container */
export function imageLayout(data: string): ImageLayout {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-image-'));
  chmodSync(folder, 0o755);
  const app = path.join(folder, 'gist');
  const cache = path.join(folder, 'cache');
  const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8').replace(/\\\n/g, ' ');
  mkdirSync(cache);
  for (const source of copied(dockerfile))
    cpSync(path.join(ROOT, source), path.join(app, source), { recursive: true });
  // What set-up would otherwise make from scratch; a container has the same contents.
  link(path.join(ROOT, 'node_modules'), path.join(app, 'node_modules'));
  for (const name of REWRITTEN) replaceByCopy(path.join(app, 'node_modules', name));
  cpSync(path.join(ROOT, 'dist'), path.join(app, 'dist'), { recursive: true, filter: isInImage });
  link(path.join(environment.cacheFolder(), 'wheels'), path.join(cache, 'wheels'));
  setUp(dockerfile, app, cache);
  const paths = { '/opt/gist-cache': cache, '/opt/gist': app, '/data': data };
  return {
    folder,
    main: path.join(app, 'bin', 'gist.mjs'),
    cache,
    env: variables(dockerfile, paths),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Sources that the first stage copies. */
function copied(dockerfile: string): string[] {
  const lines = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)];
  return lines.flatMap(([, rest = '']) => rest.trim().split(/\s+/).slice(0, -1));
}

/** Hard links, which take no time; copies where the folders are on different disks. */
function link(source: string, target: string): void {
  if (spawnSync('cp', ['-al', source, target]).status === 0) return;
  rmSync(target, { recursive: true, force: true });
  cpSync(source, target, { recursive: true, verbatimSymlinks: true });
}

function isInImage(file: string): boolean {
  return !/^dist\/(test|bench)$/.test(path.relative(ROOT, file));
}

function replaceByCopy(file: string): void {
  copyFileSync(file, `${file}.copy`);
  renameSync(`${file}.copy`, file);
}

/** The command of the Dockerfile, word by word, without a network. */
function setUp(dockerfile: string, app: string, cache: string): void {
  const command = /^RUN (npm run setup .*)$/m.exec(dockerfile)?.[1];
  if (!command) throw new Error('the Dockerfile does not set up');
  const env = { ...process.env, GIST_CACHE_DIR: cache, npm_config_offline: 'true' };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: app, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`set-up of the image failed: ${stdout}${stderr}`);
}

function variables(dockerfile: string, paths: Record<string, string>): Record<string, string> {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM'));
  const text = /^ENV (.*)$/m.exec(last)?.[1] ?? '';
  const found = [...text.matchAll(/(\w+)=(\S+)/g)].filter(([, name]) => name !== 'PATH');
  return Object.fromEntries(found.map(([, name = '', value = '']) => [name, place(value, paths)]));
}

function place(value: string, paths: Record<string, string>): string {
  const prefix = Object.keys(paths).find((one) => value === one || value.startsWith(`${one}/`));
  if (prefix) return `${paths[prefix]}${value.slice(prefix.length)}`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own words.
  return value === '${DEVICE}' ? 'cpu' : value;
}
