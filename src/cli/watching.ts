/** Shows the progress of a run until it ends: bars on a terminal, plain lines elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { type Client, type LiveProgress, progressOf, resultOf, storedResult } from '../client/index.js';
import { GistError } from '../core/errors.js';
import { type Stage, STAGES } from '../spec/pipeline.js';
import { describeAutomaticSetting } from '../checkpoints/index.js';
import type { AutomaticSetting, PipelineResult } from '../spec/results.js';
import { LineView, type View } from './line-view.js';
import { stageView } from './stage-view.js';
import { WaitingNotes } from './waiting-line.js';

const POLL_MS = 1_000;

/**
 * Shows progress until the run ends; waits while its servers are unreachable.
 *
 * @param settingsOf reads the values chosen for settings on `auto`; called once steps are taken
 * @throws FailedRunError when it fails, RunError when there is no such run
 */
export async function watchUntilEnd(
  client: Client,
  runId: string,
  settingsOf: () => Promise<AutomaticSetting[]> = async () => [],
): Promise<PipelineResult> {
  const view = process.stderr.isTTY ? new BarView() : new LineView();
  const notes = new WaitingNotes((line) => view.note(line));
  let isAway = false;
  let hasTrained = false;
  try {
    for (;;) {
      try {
        const progress = await progressOf(client, runId);
        const trains = (progress.live?.step ?? 0) > 0;
        view.show(progress);
        notes.update(progress.waiting);
        if (trains && !hasTrained)
          for (const setting of await settingsOf()) view.note(describeAutomaticSetting(setting));
        hasTrained ||= trains;
        if (isAway) view.note('The server answers again.');
        isAway = false;
        if (progress.source === 'store') return await storedResult(runId);
        if (progress.status !== 'running') return await resultOf(client, runId);
      } catch (error) {
        if (error instanceof GistError) throw error;
        if (!isAway) view.note('The server does not answer; the run is safe, waiting for it.');
        isAway = true;
      }
      await sleep(POLL_MS);
    }
  } finally {
    view.end();
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
      if (progress.stages[stage] === 'left-out') continue;
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
