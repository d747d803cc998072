/** Evaluates the snapshots of a training, which never waits for it nor fails because of it. */
import { type CarriedCurve, CurveHead } from '../spec/curve-head.js';
import type { CheckpointRef, CurvePoint, MetricGap } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';
import { reasonOf } from './attention.js';

/** Evaluations at the same time. */
const AT_ONCE = 2;
/** Snapshots that may wait; then the oldest of them is left out in favor of newer ones. */
const WAITING = 8;
/** The newest gaps that are kept. */
const GAPS = 50;

export interface CarriedEvaluations {
  curve: CarriedCurve;
  gaps: MetricGap[];
  finished: number;
}

interface Options {
  evaluate: (snapshot: CheckpointRef) => Promise<CurvePoint[]>;
  /** Called after each change of the curve or the gaps. */
  onChange: (change: { points?: CurvePoint[]; gaps?: MetricGap[] }) => void;
  stopWhen: TrainSpec['stopWhen'];
  /** Carried over from an earlier history. */
  carried?: CarriedEvaluations;
}

export class SnapshotEvaluations {
  private readonly head: CurveHead;
  readonly gaps: MetricGap[];
  /** Evaluations that have ended. */
  finished: number;
  private readonly seen = new Set<number>();
  private readonly waiting: CheckpointRef[] = [];
  /** Snapshots in evaluation, by their kimg. */
  private readonly inFlight = new Set<number>();

  constructor(private readonly options: Options) {
    const { stopWhen, carried } = options;
    this.head = new CurveHead(stopWhen, carried?.curve);
    this.gaps = carried?.gaps ?? [];
    this.finished = carried?.finished ?? 0;
    for (const { kimg } of [...this.head.points, ...this.gaps]) this.seen.add(kimg);
  }

  get curve(): CurvePoint[] {
    return this.head.points;
  }

  get convergence() {
    return this.head.convergence;
  }

  get carried(): CarriedEvaluations {
    return { curve: this.head.carried, gaps: this.gaps, finished: this.finished };
  }

  /** Whether a snapshot is not evaluated yet. */
  isOpen({ kimg }: CheckpointRef): boolean {
    return this.inFlight.has(kimg) || this.waiting.some((one) => one.kimg === kimg);
  }

  /** Adds metrics that were computed before, by an earlier execution of the run. */
  restore(curve: CarriedCurve): void {
    this.head.restore(curve);
    const { points } = curve;
    this.finished += points.length;
    for (const { kimg } of points) this.seen.add(kimg);
    if (points.length > 0) this.options.onChange({ points });
  }

  get isIdle(): boolean {
    return this.inFlight.size === 0;
  }

  /** Snapshots that are known already are ignored. */
  add(snapshots: readonly CheckpointRef[]): void {
    for (const snapshot of snapshots) {
      if (this.seen.has(snapshot.kimg)) continue;
      this.seen.add(snapshot.kimg);
      this.waiting.push(snapshot);
    }
    this.start();
    while (this.waiting.length > WAITING) this.skip('newer snapshots were waiting');
  }

  /** Gives up what has not been evaluated. */
  abandon(reason: string): void {
    while (this.waiting.length > 0) this.skip(reason);
    for (const kimg of this.inFlight) this.leaveGap({ kimg, reason });
    this.inFlight.clear();
  }

  private skip(reason: string): void {
    const oldest = this.waiting.shift();
    if (oldest) this.leaveGap({ kimg: oldest.kimg, reason });
  }

  private start(): void {
    while (this.inFlight.size < AT_ONCE) {
      const snapshot = this.waiting.shift();
      if (!snapshot) return;
      this.inFlight.add(snapshot.kimg);
      void this.evaluate(snapshot).finally(() => {
        this.inFlight.delete(snapshot.kimg);
        this.start();
      });
    }
  }

  private async evaluate(snapshot: CheckpointRef): Promise<void> {
    try {
      const points = await this.options.evaluate(snapshot);
      this.head.add(points);
      this.finished++;
      this.options.onChange({ points });
    } catch (error) {
      this.leaveGap({ kimg: snapshot.kimg, reason: reasonOf(error) });
    }
  }

  private leaveGap(gap: MetricGap): void {
    this.gaps.push(gap);
    if (this.gaps.length > GAPS) this.gaps.shift();
    this.finished++;
    this.options.onChange({ gaps: [gap] });
  }
}
