/** Curves of completed trainings, saved in one file next to their figure. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { drawCurves } from './figure.js';
import type { Curve, LearningJob, Side } from './job.js';

export class SavedCurves {
  readonly #job: LearningJob;
  #curves: Curve[];

  /**
   * @throws Error if the file has curves of other settings, which must not be drawn in one figure.
   */
  constructor(job: LearningJob) {
    this.#job = job;
    this.#curves = this.#read();
  }

  /** Sorted by side, then by seed. */
  get curves(): Curve[] {
    return this.#curves;
  }

  has(who: Side, seed: number): boolean {
    return this.#curves.some((curve) => curve.who === who && curve.seed === seed);
  }

  /** Reads the file again first: another benchmark may have added curves. */
  add(curve: Curve): void {
    const others = this.#read().filter(({ who, seed }) => who !== curve.who || seed !== curve.seed);
    this.#curves = [...others, curve].sort((a, b) => a.who.localeCompare(b.who) || a.seed - b.seed);
    replace(
      this.#file('json'),
      `${JSON.stringify({ settings: settingsOf(this.#job), curves: this.#curves }, null, 1)}\n`,
    );
    this.draw();
  }

  draw(): void {
    replace(this.#file('svg'), `${drawCurves(this.#curves, this.#job.spec.cfg)}\n`);
  }

  #file(kind: 'json' | 'svg'): string {
    return path.join(this.#job.out, `${this.#job.spec.cfg}.${kind}`);
  }

  #read(): Curve[] {
    const file = this.#file('json');
    if (!existsSync(file)) return [];
    const { settings, curves } = JSON.parse(readFileSync(file, 'utf8')) as {
      settings: unknown;
      curves: Curve[];
    };
    if (!isDeepStrictEqual(settings, settingsOf(this.#job)))
      throw new Error(`${file} has curves of other settings; use another folder with --out=`);
    return curves;
  }
}

/** The settings that determine a curve, without paths of this machine. */
function settingsOf({ kimg, snapshotKimg, images, count, resolution, spec }: LearningJob) {
  return { kimg, snapshotKimg, images, count, resolution, spec };
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}
