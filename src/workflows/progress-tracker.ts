/** The progress of a run, as its query, its search attributes and Temporal's UI show it. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import type { Attention, RunProgress, RunState } from '../spec/controls.js';
import { type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
import type { SearchAttributeName } from '../spec/search-attributes.js';
import { MOST_POINTS, thinned } from '../spec/curve-head.js';
import type { CurvePoint } from '../spec/results.js';
import type { TrainReport } from './messages.js';

/** The newest snapshots without metrics that the query shows. */
const MOST_GAPS = 50;

export class ProgressTracker {
  private readonly progress: RunProgress;
  private stage: Stage | null = null;
  private spec: PipelineSpec | null = null;
  private hasSearchAttributes = false;
  /** Pieces of work in progress, the training excluded. */
  private busy = 0;
  private newestReport = 0;
  private trainState: TrainReport['state'] | null = null;
  private trainAttention: Attention | null = null;
  private shownState = '';

  constructor(runId: string) {
    this.progress = {
      runId,
      name: '',
      state: 'running',
      stages: Object.fromEntries(STAGES.map((stage) => [stage, 'waiting'])) as RunProgress['stages'],
      done: 0,
      total: 0,
      unit: 'shards',
      attention: null,
      train: null,
    };
  }

  get currentStage(): Stage | null {
    return this.stage;
  }

  get train(): RunProgress['train'] {
    return this.progress.train;
  }

  stateOf(stage: Stage): RunProgress['stages'][Stage] {
    return this.progress.stages[stage];
  }

  begin(spec: PipelineSpec, hasSearchAttributes: boolean): void {
    this.spec = spec;
    this.hasSearchAttributes = hasSearchAttributes;
    this.progress.name = spec.name;
    // The state is announced again, now that the search attributes are known.
    this.shownState = '';
    for (const stage of STAGES) if (!spec.stages.includes(stage)) this.progress.stages[stage] = 'skipped';
    this.announce({ gistName: spec.name, gistStage: 'starting' });
  }

  startStage(stage: Stage): void {
    this.stage = stage;
    this.progress.stages[stage] = 'running';
    this.count(0, stage === 'train' ? 'kimg' : 'shards');
    this.announce({ gistStage: stage });
  }

  endStage(stage: Stage, reused: boolean): void {
    this.progress.stages[stage] = reused ? 'reused' : 'done';
  }

  usesDataset(digest: string): void {
    this.announce({ gistDataset: digest });
  }

  count(total: number, unit: string): void {
    Object.assign(this.progress, { done: 0, total, unit });
  }

  advance(units: number): void {
    this.progress.done += units;
  }

  finish(): void {
    this.stage = null;
    this.progress.state = 'done';
    this.announce({ gistStage: 'done', gistState: 'done' });
  }

  get isDone(): boolean {
    return this.progress.state === 'done';
  }

  /** While it runs, a paused run is still `pausing`. */
  async working<T>(work: () => Promise<T>): Promise<T> {
    this.busy++;
    try {
      return await work();
    } finally {
      this.busy--;
    }
  }

  startTraining(workflowId: string, targetKimg: number): void {
    this.trainState = 'running';
    this.progress.train ??= {
      workflowId,
      kimg: 0,
      targetKimg,
      lastCheckpoint: null,
      curve: [],
      gaps: [],
      resumption: null,
    };
  }

  endTraining(): void {
    this.trainState = null;
    this.trainAttention = null;
  }

  get trains(): boolean {
    return this.trainState !== null;
  }

  get trainIsPaused(): boolean {
    return this.trainState === 'paused';
  }

  get trainNeedsAttention(): boolean {
    return this.trainAttention !== null;
  }

  /** Until its next report: a pause right after a resumption must wait for a new checkpoint. */
  trainResumes(): void {
    if (this.trainState !== null) this.trainState = 'running';
    this.trainAttention = null;
  }

  onTrainReport(report: TrainReport): void {
    const { train } = this.progress;
    if (!train) return;
    for (const point of report.points ?? []) {
      if (!train.curve.some(({ kimg, metric }) => kimg === point.kimg && metric === point.metric))
        train.curve.push(point);
    }
    for (const gap of report.gaps ?? [])
      if (!train.gaps.some(({ kimg }) => kimg === gap.kimg)) train.gaps.push(gap);
    if (train.gaps.length > MOST_GAPS) train.gaps.splice(0, train.gaps.length - MOST_GAPS);
    if (train.curve.length > MOST_POINTS) train.curve = shortened(train.curve);
    if (report.serial < this.newestReport) return;
    this.newestReport = report.serial;
    if (this.trainState !== null) this.trainState = report.state;
    this.trainAttention = report.attention;
    train.targetKimg = report.targetKimg;
    train.lastCheckpoint = report.lastCheckpoint ?? train.lastCheckpoint;
    train.kimg = train.lastCheckpoint?.kimg ?? 0;
    train.resumption = report.resumption ?? train.resumption;
    this.announce(bestOf(train.curve));
  }

  attend(attention: Attention | null): void {
    this.progress.attention = attention;
  }

  /** @param paused whether the user has paused the run */
  current(paused: boolean): RunProgress {
    const attention = this.progress.attention ?? this.trainAttention;
    return { ...this.progress, attention, state: this.stateWhile(paused, attention !== null) };
  }

  /** Shows the state in Temporal's lists and UI, when it has changed. */
  show(paused: boolean): void {
    const { state, attention } = this.current(paused);
    const text = [state, attention?.message].filter(Boolean).join(': ');
    if (text === this.shownState) return;
    this.shownState = text;
    this.announce({ gistState: state });
    setCurrentDetails(text);
  }

  /** Whether nothing runs that uses a device or a worker. */
  get isQuiet(): boolean {
    return this.busy === 0 && (!this.trains || this.trainIsPaused);
  }

  private stateWhile(paused: boolean, parked: boolean): RunState {
    if (this.isDone) return 'done';
    if (parked) return 'needs-attention';
    if (!paused) return 'running';
    return this.isQuiet ? 'paused' : 'pausing';
  }

  private announce(values: Partial<Record<SearchAttributeName, string | number>>): void {
    if (values.gistStage && this.spec) upsertMemo({ name: this.spec.name, stage: values.gistStage });
    const entries = Object.entries(values).map(([name, value]) => [name, [value]]);
    if (this.hasSearchAttributes && entries.length > 0) upsertSearchAttributes(Object.fromEntries(entries));
  }
}

/** Its newest half, and every second point before; the best always. */
function shortened(curve: readonly CurvePoint[]): CurvePoint[] {
  const sorted = [...curve].sort((a, b) => a.kimg - b.kimg);
  const own = sorted.filter(({ metric }) => metric === sorted[0]?.metric);
  const best = own.reduce(
    (least, point) => (point.value < least.value ? point : least),
    own[0] as CurvePoint,
  );
  return thinned(sorted, sorted[Math.floor(sorted.length / 2)]?.kimg ?? 0, best.kimg);
}

/** The lowest value of the first metric of a curve. */
function bestOf(curve: readonly { metric: string; value: number }[]): { gistBestMetric?: number } {
  const values = curve.filter(({ metric }) => metric === curve[0]?.metric).map(({ value }) => value);
  return values.length > 0 ? { gistBestMetric: Math.min(...values) } : {};
}
