/**
 * The supervisor of an embedded stack: restarts parts that have ended, on the same data and, where
 * they are free, the same ports. Nothing but a request ends it: a full disk, for example, it waits
 * out.
 */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { log } from '../../core/log.js';
import { isAlive, type ProcessId, thisProcess } from '../../core/process-id.js';
import { onStopSignal, startService } from '../../core/process-start.js';
import { errorCode } from '../../storage/file-errors.js';
import { diskProblem } from './disk.js';
import { embeddedParts, environmentOf, isServing, startPart } from './parts.js';
import { assignPorts } from './ports.js';
import { signal } from './processes.js';
import type { StackFolder, StackPart, StackState } from './state.js';

const POLL_MS = 500;
/** Longest wait before a restart; the wait doubles from 1 s with every early exit. */
const MAX_BACKOFF_MS = 30_000;
/** A part that has run for this long is restarted after the shortest wait. */
const STABLE_MS = 60_000;
/** A shared disk may be away for a moment. */
const FOLDER_GONE_MS = 60_000;
/** A problem that lasts is logged again after this long. */
const REPEAT_MS = 60_000;

type Part = Exclude<StackPart, 'supervisor'>;

interface Attempt {
  at: number;
  backoffMs: number;
}

/** Runs until it is asked to stop; `gist down` then stops the parts. */
export async function supervise(folder: StackFolder): Promise<void> {
  startService();
  const supervisor = new Supervisor(folder);
  onStopSignal(() => supervisor.stop());
  await supervisor.run();
}

class Supervisor {
  private readonly parts = embeddedParts();
  private readonly attempts = new Map<StackPart, Attempt>();
  /** Known here even while the record cannot be written. */
  private readonly started = new Map<StackPart, ProcessId>();
  private record: StackState;
  private stopping = false;
  private folderGoneAt: number | null = null;
  private problem: { text: string; at: number } | null = null;

  constructor(private readonly folder: StackFolder) {
    this.record = folder.read();
  }

  stop(): void {
    this.stopping = true;
  }

  async run(): Promise<void> {
    while (!this.stopping) {
      try {
        if (this.isFolderGone()) {
          this.folderGoneAt ??= Date.now();
          if (Date.now() - this.folderGoneAt >= FOLDER_GONE_MS) return this.endParts();
          this.report(`the folder of the stack is gone: ${this.folder.folder}`);
        } else {
          this.folderGoneAt = null;
          await this.stepOnDisk();
        }
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        this.report(diskProblem(this.folder.folder) ?? text);
      }
      await sleep(POLL_MS);
    }
  }

  /** On a full disk servers would start, fail and leave damaged files, again and again. */
  private async stepOnDisk(): Promise<void> {
    const problem = diskProblem(this.folder.folder);
    if (problem === null) await this.step();
    this.report(problem);
  }

  /** Any other error, such as that of a shared disk, tells nothing about the folder. */
  private isFolderGone(): boolean {
    try {
      statSync(this.folder.folder);
      return false;
    } catch (error) {
      return errorCode(error) === 'ENOENT';
    }
  }

  private async step(): Promise<void> {
    this.keepRecord();
    for (const part of this.parts) {
      if (this.stopping || this.isRunning(part)) continue;
      if (part !== 'worker') await this.reassignPorts();
      else if (!(await this.serversAreServing())) continue;
      if (!this.stopping) this.restart(part);
    }
  }

  /** Only this process knows ports and keys of what runs once the record has been removed. */
  private keepRecord(): void {
    if (this.folder.hasRecord) this.record = this.folder.read();
    else this.folder.write(this.record);
    if (this.record.processes.supervisor?.pid !== process.pid)
      this.folder.setProcess('supervisor', thisProcess());
  }

  private isRunning(part: Part): boolean {
    return isAlive(this.started.get(part)) || isAlive(this.folder.read().processes[part]);
  }

  /**
   * Another stack may have taken the port of a server of ours that is down. Then the server moves
   * to another port. The worker is restarted too: with the old addresses it would run the other
   * stack's workflows against our store.
   */
  private async reassignPorts(): Promise<void> {
    const before = environmentOf(this.folder.read());
    await assignPorts(this.folder);
    const now = this.folder.read();
    if (isDeepStrictEqual(environmentOf(now), before)) return;
    log.warn('a port of the stack was taken by another program; the server moves to a free one');
    if (now.processes.worker) signal(now.processes.worker, 'SIGTERM');
  }

  /** A worker cannot poll without its servers. */
  private async serversAreServing(): Promise<boolean> {
    const state = this.folder.read();
    const servers = this.parts.filter((part) => part !== 'worker');
    const answers = await Promise.all(servers.map((part) => isServing(part, this.folder, state)));
    return answers.every(Boolean);
  }

  private restart(part: Part): void {
    const last = this.attempts.get(part);
    const now = Date.now();
    if (last && now - last.at < last.backoffMs) return;
    const isNew = !last || now - last.at > STABLE_MS;
    this.attempts.set(part, {
      at: now,
      backoffMs: isNew ? 1_000 : Math.min(MAX_BACKOFF_MS, last.backoffMs * 2),
    });
    const id = startPart(part, this.folder, this.folder.read());
    this.started.set(part, id);
    this.folder.setProcess(part, id);
    log.info(last ? 'restarted' : 'started', { part, pid: id.pid });
  }

  /** Its folder has been removed: nothing that the stack does would be kept. */
  private endParts(): void {
    log.error('the folder of the stack has been removed; the stack ends', { in: this.folder.folder });
    for (const part of this.parts)
      for (const id of [this.started.get(part), this.record.processes[part]]) if (id) signal(id, 'SIGTERM');
  }

  private report(text: string | null): void {
    const now = Date.now();
    if (text === null) {
      if (this.problem) log.info('the stack continues', { after: this.problem.text });
      this.problem = null;
    } else if (!this.problem || now - this.problem.at >= REPEAT_MS) {
      log.error(`the stack waits: ${text}`);
      this.problem = { text, at: now };
    }
  }
}
