/** A real worker process for a test; it can be killed and restarted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/workers/main.js', import.meta.url));

export class TestWorker {
  private child: ChildProcess | null = null;
  private ready = false;

  /** @param env variables over the test's own; @param logFile where its standard error goes */
  constructor(
    readonly env: Record<string, string>,
    private readonly logFile: string,
  ) {}

  get pid(): number {
    if (!this.child?.pid) throw new Error('the worker is not running');
    return this.child.pid;
  }

  /** Whether it has polled. */
  get isReady(): boolean {
    return this.ready;
  }

  async start(): Promise<void> {
    const child = this.launch();
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', () => this.ready && resolve());
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}; see ${this.logFile}`)));
    });
  }

  /** Starts the process without waiting until it polls. */
  launch(): ChildProcess {
    const child = spawn(process.execPath, [MAIN, '--queue', 'both'], {
      env: { ...process.env, GIST_HEARTBEAT_THROTTLE: '3s', ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.ready = false;
    child.stderr.pipe(createWriteStream(this.logFile, { flags: 'a' }));
    child.stdout.on('data', (chunk: Buffer) => {
      this.ready ||= chunk.toString().includes('"ready":true');
    });
    return child;
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
