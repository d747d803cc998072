/**
 * The process of train.py: started under a guard in a group of its own, read line by line, and
 * ended with its children.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import type { Checkout } from './checkout.js';
import { withoutFolders } from './log-lines.js';
import { type Exit, isOutOfGpuMemory } from './exit-error.js';

const GUARD = fileURLToPath(new URL('./guard.js', import.meta.url));
const TAIL_LINES = 12;
/** How long the last lines are waited for after its end. */
const LAST_LINES_MS = 2_000;
/** Environment variables that train.py must not see: the store's secrets, the server's address. */
const PRIVATE = /^(AWS_|TEMPORAL_|GIST_)/;

export interface OfficialCommand {
  checkout: Checkout;
  args: readonly string[];
  /** Its environment; private variables are removed. */
  env: NodeJS.ProcessEnv;
  /** Folders that it may print, each with its replacement. */
  folders: Record<string, string>;
}

export class OfficialProcess {
  /** Its last lines, without paths. */
  readonly tail: string[] = [];
  ranOutOfGpuMemory = false;
  /** How it ended; null while it runs. */
  exit: Exit | null = null;
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private failure: Error | null = null;
  private readonly killWithUs = () => this.killGroup();

  constructor({ checkout, args, env, folders }: OfficialCommand) {
    const own = Object.entries(env).filter(([name]) => !PRIVATE.test(name));
    const command = [checkout.python, '-u', checkout.script, ...args];
    this.child = spawn(process.execPath, [GUARD, ...command], {
      cwd: checkout.folder,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: Object.fromEntries(own),
    });
    this.child.stdin?.on('error', () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.onLine(line, folders));
    this.ended = this.whenEnded();
    // The guard would detect it; this is faster.
    process.once('exit', this.killWithUs);
  }

  /** Ends it at once, with its children. */
  async kill(): Promise<void> {
    this.killGroup();
    await this.ended;
  }

  /** @throws SetupError when it could not be started */
  rethrow(): void {
    if (!this.failure) return;
    throw new SetupError({
      what: 'the official trainer could not be started',
      where: 'GIST_STYLEGAN3_PYTHON',
      hint: 'Run `gist doctor`.',
      cause: this.failure,
    });
  }

  private onLine(line: string, folders: Record<string, string>): void {
    this.ranOutOfGpuMemory ||= isOutOfGpuMemory(line);
    const text = withoutFolders(line, folders);
    if (text === '') return;
    log.info(`train.py: ${text}`);
    this.tail.push(text);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
  }

  private async whenEnded(): Promise<void> {
    const { child } = this;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const exit = await new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        this.failure = error;
        resolve({ code: null, signal: null });
      });
    });
    // Remaining children of the command would hold the device.
    killGroupOf(child);
    // A process that left the group may hold the pipe open.
    if (!this.failure) await Promise.race([closed, sleep(LAST_LINES_MS, undefined, { ref: false })]);
    process.off('exit', this.killWithUs);
    this.exit = exit;
  }

  private killGroup(): void {
    if (this.child.exitCode === null && this.child.signalCode === null) killGroupOf(this.child);
  }
}

function killGroupOf({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
