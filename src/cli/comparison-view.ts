/** Progress of commands that compare images: a bar on a terminal, lines elsewhere. */
import { Presets, SingleBar } from 'cli-progress';
import { printNotice } from './terminal.js';

/** Without a terminal, a line of progress after this number of images. */
const NOTICE_IMAGES = 128;

export class ComparisonView {
  private readonly bar = process.stderr.isTTY
    ? new SingleBar(
        { format: '{step} {bar} {value}/{total}', stream: process.stderr, clearOnComplete: true },
        Presets.shades_classic,
      )
    : null;
  private isActive = false;
  private shown: string | null = null;

  start(step: string, total: number): void {
    this.stop();
    this.bar?.start(total, 0, { step });
    this.isActive = true;
  }

  images(done: number): void {
    if (this.bar) this.bar.update(done);
    else if (done % NOTICE_IMAGES === 0) printNotice(`${done} images processed`);
  }

  metrics(done: number, total: number): void {
    if (this.bar && this.bar.getTotal() !== total) this.start('metrics', total);
    this.bar?.update(done);
  }

  step(step: string, done: number, total: number | undefined): void {
    if (this.bar && (this.shown !== step || (total !== undefined && this.bar.getTotal() !== total)))
      this.start(step, total ?? 0);
    if (!this.bar && this.shown !== step) printNotice(step);
    this.shown = step;
    this.bar?.update(done);
  }

  stop(): void {
    if (this.isActive) this.bar?.stop();
    this.isActive = false;
  }
}
