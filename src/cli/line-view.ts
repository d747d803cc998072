/** Progress of a run as plain lines: one per change of state, otherwise one every 10 s. */
import type { LiveProgress } from '../client/index.js';
import { STAGES } from '../spec/pipeline.js';
import { stageView } from './stage-view.js';
import { printNotice } from './terminal.js';

/** Shows the progress of a run. */
export interface View {
  show(progress: LiveProgress): void;
  note(line: string): void;
  end(): void;
}

const LINE_MS = 10_000;

export class LineView implements View {
  private state = '';
  private last = '';
  private shownAt = 0;

  /** @param now a monotonic clock, in milliseconds */
  constructor(
    private readonly print: (line: string) => void = printNotice,
    private readonly now: () => number = () => performance.now(),
  ) {}

  show(progress: LiveProgress): void {
    const running = STAGES.find((stage) => progress.stages[stage] === 'running');
    const { status, waiting, live } = progress;
    const line = running ? `${running}: ${stageView(progress, running).text}` : (waiting?.brief ?? status);
    const state = [running, progress.state, status, live === null, waiting?.reason].join();
    const isDue = state !== this.state || this.now() - this.shownAt >= LINE_MS;
    if (!isDue || line === this.last) return;
    this.state = state;
    this.last = line;
    this.shownAt = this.now();
    this.print(line);
  }

  note(line: string): void {
    this.print(line);
  }

  end(): void {}
}
