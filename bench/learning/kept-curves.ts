/** The curves that there are already, in one file beside their figure. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { drawCurves } from './figure.js';
import type { Curve, LearningJob, Who } from './job.js';

export class KeptCurves {
  readonly #job: LearningJob;
  #curves: Curve[];

  /** @throws Error when the file is of other settings: curves of two kinds do not belong into one figure. */
  constructor(job: LearningJob) {
    this.#job = job;
    this.#curves = this.#read();
  }

  /** By seed, then by side. */
  get curves(): Curve[] {
    return this.#curves;
  }

  has(who: Who, seed: number): boolean {
    return this.#curves.some((curve) => curve.who === who && curve.seed === seed);
  }

  /** Another bench may have added to the file since it was read. */
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
      throw new Error(`${file} holds curves of other settings; name another folder with --out=`);
    return curves;
  }
}

/** What shapes a curve, without this machine's paths. */
function settingsOf({ kimg, snapshotKimg, images, count, resolution, spec }: LearningJob) {
  return { kimg, snapshotKimg, images, count, resolution, spec };
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}
