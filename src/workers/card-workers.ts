/** Workers for further cards: child processes that poll the GPU queue beside this worker. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment } from '../core/environment.js';
import { SetupError } from '../core/errors.js';
import { queryCards } from '../core/nvidia-smi.js';
import { visibleCards } from '../core/process-start.js';
import { log } from '../core/log.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const RESTART_MS = 5_000;

/**
 * The cards that this machine's worker serves, by `GIST_GPUS`: `all`, or numbers such as `0,2`.
 *
 * @returns numbers of cards; empty without the variable
 * @throws SetupError when it is neither, or there is no card
 */
export function servedCards(): string[] {
  const given = environment.gpus();
  if (given === undefined) return [];
  const cards = given === 'all' ? allCards() : given.split(',');
  if (cards.length > 0 && cards.every((card) => /^\d+$/.test(card))) return cards;
  throw new SetupError({
    what: given === 'all' ? 'this machine has no card' : `${given} names no cards`,
    where: 'GIST_GPUS',
    hint: 'Set it to all, or to numbers such as 0,1; `gist doctor` lists the cards.',
  });
}

/** Numbers within the list of visible cards, if there is one. */
function allCards(): string[] {
  const visible = visibleCards();
  return visible ? visible.map((_, index) => String(index)) : queryCards(['index']).flat();
}

export class CardWorkers {
  private readonly children = new Map<string, ChildProcess>();
  /** From before this process has chosen its own card, also for workers that start again. */
  private readonly env = { ...process.env };
  private isEnding = false;

  constructor(cards: readonly string[]) {
    for (const card of cards) this.start(card);
  }

  private start(card: string): void {
    const { GIST_GPUS: _served, GIST_READY_FILE: _ready, ...env } = this.env;
    const child = fork(MAIN, ['--queue', 'gpu'], { env: { ...env, GIST_GPU: card } });
    this.children.set(card, child);
    child.once('exit', (code, signal) => {
      if (this.isEnding) return;
      log.error('the worker of a card ended and is started again', { card, code, signal });
      setTimeout(() => this.isEnding || this.start(card), RESTART_MS).unref();
    });
  }

  /** Each writes a checkpoint of its training and ends. */
  async end(): Promise<void> {
    this.isEnding = true;
    const running = [...this.children.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      running.map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        return ended;
      }),
    );
  }
}
