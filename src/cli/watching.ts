/** Shows the progress of a run until it ends: bars on a terminal, plain lines elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import {
  type Client,
  isUnanswered,
  type LiveProgress,
  progressOf,
  resultOf,
  storedResult,
} from '../client/index.js';
import { StackError, StoreUnavailableError } from '../core/errors.js';
import { type Stage, STAGES } from '../spec/pipeline.js';
import { describeAutomaticSetting } from '../checkpoints/index.js';
import type { AutomaticSetting, PipelineResult } from '../spec/results.js';
import { LineView, type View } from './line-view.js';
import { stageView } from './stage-view.js';
import { WaitingNotes } from './waiting-line.js';

const POLL_MS = 1_000;

/** What the store knows of a training. */
export interface StoredFacts {
  /** Values chosen for settings on `auto`; read once steps are taken. */
  settingsOf: () => Promise<AutomaticSetting[]>;
  /** What is to be said of a new checkpoint; null: nothing. */
  noteOf: (prefix: string) => Promise<string | null>;
}

/**
 * Shows progress until the run ends; waits while its servers are unreachable.
 *
 * @throws FailedRunError when it fails, RunError when there is no such run
 */
export async function watchUntilEnd(
  client: Client,
  runId: string,
  stored: StoredFacts,
): Promise<PipelineResult> {
  const view = process.stderr.isTTY ? new BarView() : new LineView();
  const watch = new Watch(view, stored);
  try {
    for (; ; await sleep(POLL_MS)) {
      try {
        const progress = await progressOf(client, runId);
        await watch.show(progress);
        if (progress.source === 'store') return await storedResult(runId);
        if (progress.status !== 'running') return await resultOf(client, runId);
      } catch (error) {
        const away = whoIsAway(error);
        if (away === null) throw error;
        watch.showAway(away);
      }
    }
  } finally {
    view.end();
  }
}

/** Who did not answer, if that is the error: another error would only repeat itself. */
export function whoIsAway(error: unknown): 'server' | 'store' | null {
  if (error instanceof StoreUnavailableError) return 'store';
  return isUnanswered(error) || error instanceof StackError ? 'server' : null;
}

/** What has been shown of a run, so that nothing is said twice. */
class Watch {
  private readonly waiting;
  private away: 'server' | 'store' | null = null;
  private hasTrained = false;
  private checkpoint: string | undefined;
  private storage: string | null = null;

  constructor(
    private readonly view: View,
    private readonly stored: StoredFacts,
  ) {
    this.waiting = new WaitingNotes((line) => view.note(line));
  }

  async show(progress: LiveProgress): Promise<void> {
    this.view.show(progress);
    this.waiting.update(progress.waiting);
    this.showStorage(progress);
    if (this.away) this.view.note(`The ${this.away} answers again.`);
    this.away = null;
    if (!this.hasTrained && (progress.live?.step ?? 0) > 0) await this.showSettings();
    const newest = progress.train?.lastCheckpoint?.prefix;
    if (!newest || newest === this.checkpoint) return;
    const note = await this.stored.noteOf(newest).catch(() => undefined);
    // The store did not answer; asked again with the next progress.
    if (note === undefined) return;
    if (note) this.view.note(note);
    this.checkpoint = newest;
  }

  private showStorage({ live, waiting }: LiveProgress): void {
    if (!live || waiting?.reason === 'no-room') return;
    const storage = live.storage ?? null;
    if (storage === this.storage) return;
    this.storage = storage;
    this.view.note(storage ?? 'The store takes checkpoints again.');
  }

  /** Tried again with the next progress when the store does not answer. */
  private async showSettings(): Promise<void> {
    const settings = await this.stored.settingsOf().catch(() => null);
    for (const setting of settings ?? []) this.view.note(describeAutomaticSetting(setting));
    this.hasTrained = settings !== null;
  }

  showAway(away: 'server' | 'store'): void {
    if (this.away !== away) this.view.note(`The ${away} does not answer; the run is safe, waiting for it.`);
    this.away = away;
  }
}

class BarView implements View {
  private readonly bars = new MultiBar(
    {
      format: '{stage} {bar} {percentage}%  {text}',
      clearOnComplete: false,
      hideCursor: true,
      barsize: 24,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  private readonly byStage = new Map<Stage, SingleBar>();

  show(progress: LiveProgress): void {
    for (const stage of STAGES) {
      if (progress.stages[stage] === 'skipped') continue;
      const { done, total, text } = stageView(progress, stage);
      const label = { stage: stage.padEnd(10), text };
      const bar = this.byStage.get(stage) ?? this.bars.create(total, done, label);
      this.byStage.set(stage, bar);
      bar.setTotal(total);
      bar.update(done, label);
    }
  }

  note(line: string): void {
    this.bars.log(`${line}\n`);
  }

  end(): void {
    this.bars.stop();
  }
}
