/** A real worker process for a test; it can be killed and restarted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/workers/main.js', import.meta.url));

export class TestWorker {
  private child: ChildProcess | null = null;

  /** @param env variables over the test's own; @param logFile where its standard error goes */
  constructor(
    private readonly env: Record<string, string>,
    private readonly logFile: string,
  ) {}

  get pid(): number {
    if (!this.child?.pid) throw new Error('the worker is not running');
    return this.child.pid;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, '--queue', 'both'], {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stderr.pipe(createWriteStream(this.logFile, { flags: 'a' }));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('"ready":true') && resolve());
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}; see ${this.logFile}`)));
    });
  }

  /** Sends a signal and waits for the end of the process. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
