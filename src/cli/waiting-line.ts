/** Why a run waits, as lines for people. */
import type { Waiting } from '../client/index.js';

export function waitingLine({ message, command }: Waiting): string {
  return command ? `${message}\n  -> ${command}` : message;
}

/** Prints each reason once, and when the run advances again. */
export class WaitingNotes {
  private last = '';

  constructor(private readonly print: (line: string) => void) {}

  update(waiting: Waiting | null): void {
    const now = waiting ? [waiting.reason, waiting.queue, waiting.attempt, waiting.lastFailure].join() : '';
    if (now === this.last) return;
    this.last = now;
    this.print(waiting ? waitingLine(waiting) : 'The run advances again.');
  }
}
