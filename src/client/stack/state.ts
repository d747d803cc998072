/** State of the embedded stack between commands, in `stack.json`: ports, credentials, processes. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { StackError } from '../../core/errors.js';
import { isAlive, parseStat, type ProcessId } from '../../core/process-id.js';

/** Name of the bucket in the embedded store. */
export const BUCKET = 'gist';

export const STACK_PARTS = ['temporal', 's3', 'worker', 'supervisor'] as const;
export type StackPart = (typeof STACK_PARTS)[number];

const stateSchema = z.object({
  version: z.literal(1),
  ports: z.record(z.string(), z.int()),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  processes: z.partialRecord(z.enum(STACK_PARTS), z.object({ pid: z.int(), started: z.string() })),
  /** Whether the bucket of the embedded store has been made. */
  bucketMade: z.boolean().default(false),
  /** Milliseconds that the worker has for its last checkpoint. */
  graceMs: z.number().optional(),
});
export type StackState = z.output<typeof stateSchema>;

/** The folder of one embedded stack. */
export class StackFolder {
  constructor(readonly folder: string) {}

  get logs(): string {
    return path.join(this.folder, 'logs');
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Makes the folder, for its user only. */
  make(): void {
    mkdirSync(this.logs, { recursive: true, mode: 0o700 });
    mkdirSync(this.path('locks'), { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
  }

  get hasRecord(): boolean {
    return existsSync(this.path('stack.json'));
  }

  /**
   * The lock of a part: its process writes it before it opens its data and holds it while it lives.
   */
  lock(part: StackPart): string {
    return this.path('locks', part);
  }

  /**
   * The state as last written, or a new one; processes are found by their locks where it does not
   * name them.
   *
   * @throws StackError when the file is damaged
   */
  read(): StackState {
    const state = this.readRecord();
    const processes = { ...state.processes };
    for (const part of STACK_PARTS) {
      const holder = isAlive(processes[part]) ? undefined : this.holder(part);
      if (holder) processes[part] = holder;
    }
    return { ...state, processes };
  }

  private holder(part: StackPart): ProcessId | undefined {
    try {
      const id = parseStat(readFileSync(this.lock(part), 'utf8'));
      return isAlive(id) ? id : undefined;
    } catch {
      return undefined;
    }
  }

  private readRecord(): StackState {
    const file = this.path('stack.json');
    if (!this.hasRecord) return initialState();
    try {
      return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (cause) {
      throw new StackError({
        what: 'the state of the embedded stack cannot be read',
        where: file,
        hint: 'Move the file elsewhere, then `gist up`: it finds what runs, and keeps the data.',
        cause,
      });
    }
  }

  /** Replaces the file in one step; it holds a secret, so only its owner may read it. */
  write(state: StackState): void {
    const temporary = this.path(`stack.json.${process.pid}`);
    writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, this.path('stack.json'));
  }

  /** Records the process of one part. */
  setProcess(part: StackPart, id: ProcessId | null): void {
    const state = this.read();
    const processes = { ...state.processes };
    if (id) processes[part] = id;
    else delete processes[part];
    this.write({ ...state, processes });
  }
}

function initialState(): StackState {
  const credentials = {
    accessKeyId: `gist-${randomBytes(4).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('hex'),
  };
  return { version: 1, ports: {}, credentials, processes: {}, bucketMade: false };
}
