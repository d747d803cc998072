/** State of the embedded stack between commands, in `stack.json`: ports, credentials, processes. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { StackError } from '../../core/errors.js';
import { type ProcessId, processIdSchema } from './processes.js';

export const STACK_PARTS = ['temporal', 's3', 'worker', 'supervisor'] as const;
export type StackPart = (typeof STACK_PARTS)[number];

const stateSchema = z.object({
  version: z.literal(1),
  ports: z.record(z.string(), z.int()),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  processes: z.partialRecord(z.enum(STACK_PARTS), processIdSchema),
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

  /** The state as last written, or a new one. @throws StackError when the file is damaged */
  read(): StackState {
    const file = this.path('stack.json');
    if (!existsSync(file)) return initialState();
    try {
      return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (cause) {
      throw new StackError({
        what: 'the state of the embedded stack cannot be read',
        where: file,
        hint: 'Remove the file; `gist up` writes a new one and keeps the data.',
        cause,
      });
    }
  }

  /** Replaces the file in one step; it holds a secret, so only its owner may read it. */
  write(state: StackState): void {
    mkdirSync(this.logs, { recursive: true });
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
  return { version: 1, ports: {}, credentials, processes: {} };
}
