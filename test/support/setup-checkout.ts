/**
 * A small checkout with the real set-up of GIST, and packages, wheels and sources that install
 * fast.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { writeStoredZip } from '../../src/imaging/dataset/stored-zip.js';

const WEIGHTS_BYTES = 40_000_000;
const PLATFORM = `${process.platform}-${process.arch}`;
const BINDING = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';

export interface SetupOutcome {
  /** Null when a signal ended it. */
  code: number | null;
  stderr: string;
}

/** Contents of the wheels by part, which set-up must install unchanged. */
type Contents = Record<string, Record<string, Buffer>>;

export class SetupCheckout {
  readonly root: string;
  readonly cache: string;
  private readonly wheels: string;

  private constructor(
    folder: string,
    name: string,
    private readonly contents: Contents,
  ) {
    this.root = path.join(folder, name);
    this.cache = path.join(folder, 'cache');
    this.wheels = path.join(folder, 'wheels');
  }

  /** Checkouts of one folder share its cache and its wheels. */
  static async create(folder: string, name = 'checkout'): Promise<SetupCheckout> {
    const checkout = new SetupCheckout(folder, name, await contentsOfWheels(folder));
    for (const folder of ['scripts', 'src/nn/native'])
      cpSync(folder, path.join(checkout.root, folder), { recursive: true });
    await checkout.writeWheels();
    checkout.writePackages();
    checkout.write('src/main.ts', 'export const answer: number = 42;\n');
    checkout.write('tsconfig.json', TSCONFIG);
    await checkout.program('npm', ['install', '--package-lock-only', '--ignore-scripts']);
    return checkout;
  }

  write(file: string, text: string): void {
    const place = path.join(this.root, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
  }

  read(file: string): string {
    return readFileSync(path.join(this.root, file), 'utf8');
  }

  /** Runs set-up, or kills it hard after so many milliseconds. */
  setUp({
    killAfterMs,
    env = {},
  }: {
    killAfterMs?: number;
    env?: Record<string, string>;
  } = {}): Promise<SetupOutcome> {
    return this.program(process.execPath, ['scripts/setup.mjs'], { killAfterMs, env });
  }

  /** As nothing had ever been set up. */
  wipe(): void {
    const made = ['node_modules', 'dist', path.join('vendor', 'tfjs', 'lib')].map((name) =>
      path.join(this.root, name),
    );
    for (const place of [this.cache, ...made]) rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * What is wrong with the parts that the cache shows as there; nothing, however often set-up was
   * killed.
   */
  tornParts(): string[] {
    return Object.entries(this.contents).flatMap(([part, members]) => {
      const folder = path.join(this.cache, 'wheels', `${part}-1.0`);
      if (!existsSync(folder)) return [];
      return Object.entries(members)
        .filter(([name, bytes]) => !sameBytes(path.join(folder, name), bytes))
        .map(([name]) => `${part}: ${name}`);
    });
  }

  /** What is missing, and what should have been cleaned up, after set-up has run to its end. */
  flaws(): string[] {
    const folders = Object.keys(this.contents).map((part) => path.join('wheels', `${part}-1.0`, '.complete'));
    const made = ['node_modules/node-api-headers/package.json', BINDING, 'dist/src/main.js'];
    const absent = [
      ...folders.map((file) => path.join(this.cache, file)),
      ...made.map((file) => path.join(this.root, file)),
    ].filter((file) => !existsSync(file));
    const litter = [
      ...readdirSync(this.cache),
      ...readdirSync(path.join(this.cache, 'wheels')),
      ...readdirSync(path.dirname(path.join(this.root, BINDING))),
    ].filter((name) => /unpacking|compiling|downloads/.test(name));
    return [
      ...absent.map((file) => `missing: ${file}`),
      ...litter.map((name) => `left: ${name}`),
      ...this.tornParts(),
    ];
  }

  /** Loads the compiled binding the way that Node loads native code. */
  loadBinding(): unknown {
    return createRequire(import.meta.url)(path.join(this.root, BINDING));
  }

  private program(
    command: string,
    args: string[],
    { killAfterMs, env = {} }: { killAfterMs?: number; env?: Record<string, string> } = {},
  ): Promise<SetupOutcome> {
    const offline = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: this.wheels, npm_config_offline: 'true' };
    const child = spawn(command, args, {
      cwd: this.root,
      env: { ...process.env, GIST_CACHE_DIR: this.cache, GIST_TENSORFLOW: 'cpu', ...offline, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const timer =
      killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      // Not `close`: programs that a killed set-up had started hold its standard error a while
      // longer.
      child.once('exit', (code) => {
        clearTimeout(timer);
        setImmediate(() => resolve({ code, stderr }));
      });
    });
  }

  private async writeWheels(): Promise<void> {
    mkdirSync(this.wheels, { recursive: true });
    const pins: string[] = [];
    for (const [part, members] of Object.entries(this.contents)) {
      const file = path.join(this.wheels, `${part}-1.0-py3-none-any.whl`);
      if (!existsSync(file)) await writeStoredZip(file, wheelMembers(part, members));
      pins.push(
        `${part}==1.0 --hash=sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`,
      );
    }
    this.write(`requirements/wheels-${PLATFORM}.txt`, `${pins.join('\n')}\n`);
    const parts = Object.entries(this.contents).map(([part, members]) => [
      part,
      {
        what: `the part ${part}`,
        wheel: part,
        version: '1.0',
        folder: `${part}-1.0`,
        members: Object.keys(members),
        path: part === 'tensorflow' ? 'tensorflow' : Object.keys(members)[0],
        megabytes: 100,
      },
    ]);
    this.write('requirements/parts.json', JSON.stringify(Object.fromEntries(parts)));
  }

  private writePackages(): void {
    const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    this.write('vendor/typescript/package.json', JSON.stringify({ name: 'typescript', version: '1.0.0' }));
    this.write('vendor/typescript/bin/tsc', `require(${JSON.stringify(compiler)});\n`);
    this.write('vendor/headers/package.json', JSON.stringify({ name: 'node-api-headers', version: '1.0.0' }));
    this.write('vendor/headers/include/node_api.h', '#define INITIALIZER napi_register_module_v1\n');
    const name = '@tensorflow/tfjs-node-gpu';
    this.write('vendor/tfjs/package.json', JSON.stringify({ name, version: '1.0.0' }));
    this.write(
      'vendor/tfjs/binding/tfjs_backend.cc',
      '#include "tensorflow/version.h"\nint answer() { return tensorflow_version(); }\n',
    );
    this.write('vendor/tfjs/binding/tfjs_binding.cc', BINDING_SOURCE);
    const dependencies = {
      typescript: 'file:vendor/typescript',
      'node-api-headers': 'file:vendor/headers',
      [name]: 'file:vendor/tfjs',
    };
    this.write(
      'package.json',
      JSON.stringify({ name: 'small', version: '1.0.0', private: true, type: 'module', dependencies }),
    );
  }
}

/** Files of a wheel. */
async function* wheelMembers(part: string, members: Record<string, Buffer>) {
  const metadata = {
    METADATA: `Metadata-Version: 2.1\nName: ${part}\nVersion: 1.0\n`,
    WHEEL: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    RECORD: '',
  };
  for (const [name, bytes] of Object.entries(members)) yield { name, bytes };
  for (const [name, text] of Object.entries(metadata)) {
    yield { name: `${part}-1.0.dist-info/${name}`, bytes: Buffer.from(text) };
  }
}

const BINDING_SOURCE = `#include <node_api.h>
int answer();
extern "C" void *INITIALIZER(void *, void *exports) { return answer() == 221 ? exports : nullptr; }
`;

const TSCONFIG = JSON.stringify({
  compilerOptions: { target: 'ES2022', module: 'NodeNext', rootDir: '.', outDir: 'dist', types: [] },
  include: ['src'],
});

/** A valid library, a program and a large file. */
async function contentsOfWheels(folder: string): Promise<Contents> {
  mkdirSync(folder, { recursive: true });
  const source = path.join(folder, 'library.cc');
  const library = path.join(folder, 'library.so');
  if (!existsSync(library)) {
    writeFileSync(source, 'extern "C" int tensorflow_version() { return 221; }\n');
    await compile(['-shared', '-fPIC', '-Wl,-soname,libtensorflow_cc.so.2', '-o', library, source]);
  }
  const bytes = readFileSync(library);
  return {
    temporal: { 'temporal-1.0.data/scripts/temporal': Buffer.from('#!/bin/sh\necho 1.0\n') },
    tensorflow: {
      'tensorflow/libtensorflow_cc.so.2': bytes,
      'tensorflow/libtensorflow_framework.so.2': bytes,
      'tensorflow/include/tensorflow/version.h': Buffer.from('extern "C" int tensorflow_version();\n'),
    },
    weights: { 'weights/weights.pth': Buffer.alloc(WEIGHTS_BYTES, 'weights') },
  };
}

function compile(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.env.CXX ?? 'g++', args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error('the test library does not compile')),
    );
  });
}

function sameBytes(file: string, bytes: Buffer): boolean {
  return existsSync(file) && readFileSync(file).equals(bytes);
}
