/** A real Temporal dev server with its own port and database; it can be killed and restarted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { FAIR_QUEUES } from '../../src/client/stack/parts.js';
import { partPath } from '../../src/core/parts.js';
import { freePort } from './ports.js';

export class TestTemporal {
  private child: ChildProcess | null = null;
  private constructor(
    readonly address: string,
    private readonly port: number,
    /** Where the database is. */
    readonly folder: string,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  static async start(): Promise<TestTemporal> {
    const port = await freePort();
    const server = new TestTemporal(
      `127.0.0.1:${port}`,
      port,
      mkdtempSync(path.join(tmpdir(), 'gist-temporal-')),
    );
    await server.launch();
    return server;
  }

  async launch(): Promise<void> {
    const database = path.join(this.folder, 'temporal.db');
    const args = [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(this.port),
      '--headless',
      '--db-filename',
      database,
      ...FAIR_QUEUES.flatMap((setting) => ['--dynamic-config-value', setting]),
    ];
    this.child = spawn(partPath('temporal'), [...args, '--log-level', 'never'], { stdio: 'ignore' });
    await this.untilServing();
  }

  /** SIGKILL, as a power cut would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  private async untilServing(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        const connection = await Connection.connect({ address: this.address, connectTimeout: '1 second' });
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        await connection.close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    throw new Error('the Temporal dev server did not start');
  }
}
