/** Evaluates the snapshots of a training, which never waits for it nor fails because of it. */
import type { CheckpointRef, CurvePoint, MetricGap } from '../spec/results.js';
import { reasonOf } from './attention.js';

/** Evaluations at the same time. */
const AT_ONCE = 2;
/** Snapshots that may wait; then the oldest of them is left out in favor of newer ones. */
const WAITING = 8;

interface Options {
  evaluate: (snapshot: CheckpointRef) => Promise<CurvePoint[]>;
  /** Called after each change of the curve or the gaps. */
  onChange: (change: { points?: CurvePoint[]; gaps?: MetricGap[] }) => void;
  /** Carried over from an earlier history. */
  carried?: { curve: CurvePoint[]; gaps: MetricGap[] };
}

export class SnapshotEvaluations {
  readonly curve: CurvePoint[];
  readonly gaps: MetricGap[];
  private readonly seen = new Set<number>();
  private readonly waiting: CheckpointRef[] = [];
  /** Snapshots in evaluation, by their kimg. */
  private readonly inFlight = new Set<number>();

  constructor(private readonly options: Options) {
    this.curve = options.carried?.curve ?? [];
    this.gaps = options.carried?.gaps ?? [];
    for (const { kimg } of [...this.curve, ...this.gaps]) this.seen.add(kimg);
  }

  /** Adds metrics that were computed before, by an earlier execution of the run. */
  restore(points: CurvePoint[]): void {
    this.curve.push(...points);
    for (const { kimg } of points) this.seen.add(kimg);
    if (points.length > 0) this.options.onChange({ points });
  }

  get isIdle(): boolean {
    return this.inFlight.size === 0;
  }

  /** Changes with every evaluation that ends. */
  get finished(): number {
    return this.curve.length + this.gaps.length;
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
      this.curve.push(...points);
      this.curve.sort((a, b) => a.kimg - b.kimg);
      this.options.onChange({ points });
    } catch (error) {
      this.leaveGap({ kimg: snapshot.kimg, reason: reasonOf(error) });
    }
  }

  private leaveGap(gap: MetricGap): void {
    this.gaps.push(gap);
    this.options.onChange({ gaps: [gap] });
  }
}
