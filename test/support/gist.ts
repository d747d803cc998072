/** Runs the `gist` command in a process with its own environment and state folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTime } from '../../src/core/process-id.js';
import type { OtherUser } from './other-user.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Servers that the tests' own environment may name are not meant for these commands. */
const SERVERS = /^(TEMPORAL_|AWS_|GIST_)/;

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** One user: commands that share a folder of state. */
export class GistUser {
  private constructor(
    readonly folder: string,
    private readonly env: Record<string, string>,
    /** Another user of the machine than the one who tests. */
    private readonly other?: OtherUser,
  ) {}

  static async create(env: Record<string, string> = {}): Promise<GistUser> {
    return new GistUser(await mkdtemp(path.join(tmpdir(), 'gist-user-')), env);
  }

  /** The same folder with other variables, or used by another user of the machine. */
  as({ env = {}, other }: { env?: Record<string, string>; other?: OtherUser }): GistUser {
    return new GistUser(this.folder, { ...this.env, ...env }, other);
  }

  get home(): string {
    return path.join(this.folder, '.gist');
  }

  gist(...args: string[]): Promise<Outcome> {
    return this.begin(...args).outcome;
  }

  /** A command that is still running, and what becomes of it. */
  begin(...args: string[]): { child: ChildProcess; outcome: Promise<Outcome> } {
    const inherited = Object.entries(process.env).filter(([name]) => !SERVERS.test(name));
    const env = { ...Object.fromEntries(inherited), ...this.env };
    const child = spawn(process.execPath, [this.other?.main ?? MAIN, ...args], {
      cwd: this.folder,
      env,
      uid: this.other?.uid,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      const outcome = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, ...outcome }));
    });
    return { child, outcome };
  }

  /** The parsed standard output of a command that must succeed. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.gist(...args, '--json');
    if (code !== 0) throw new Error(`gist ${args.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Pids by part, as the stack remembers them. */
  async pids(): Promise<Record<string, number>> {
    const { processes } = JSON.parse(await readFile(path.join(this.home, 'stack.json'), 'utf8')) as {
      processes: Record<string, { pid: number }>;
    };
    return Object.fromEntries(Object.entries(processes).map(([part, { pid }]) => [part, pid]));
  }

  /** Takes the stack down and removes the folder. */
  async leave(): Promise<void> {
    await this.gist('down');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Whether a process runs; the remains that its parent has not collected yet do not. */
export function exists(pid: number): boolean {
  return startTime(pid) !== undefined;
}
