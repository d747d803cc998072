/** Trains the same spec on subsets of several sizes, and tells how much data is enough. */
import { allHandlersFinished, condition, continueAsNew, setHandler } from '@temporalio/workflow';
import type { ControlReply } from '../spec/controls.js';
import {
  type AddSizesInput,
  addSizesSchema,
  type DatasetSizeSweepInput,
  type DatasetSizeSweepSpec,
  pointRunId,
  pointSpec,
  pointsOf,
  runAtPoint,
  type SizePoint,
  sourcePoint,
} from '../spec/dataset-size-sweep.js';
import { DATASET_SIZE_SWEEP, MAX_RUNS, type SweepResult, type SweepRun } from '../spec/sweep.js';
import { addSizesUpdate } from './messages.js';
import { refuse, SweepExecution, type SweepPlan } from './sweep-execution.js';

/** Carried over when the workflow continues as new. */
export interface CarriedSweep {
  spec: DatasetSizeSweepSpec;
  hasSearchAttributes: boolean;
  runs: SweepRun<SizePoint>[];
}

/**
 * @param input a spec as a user writes it
 * @param options for tests: history events after which it continues as new
 */
export async function datasetSizeSweep(
  input: DatasetSizeSweepInput,
  carried: CarriedSweep | null = null,
  options: { historyEvents?: number } = {},
): Promise<SweepResult> {
  const sweep = new DatasetSizeSweep();
  const result = await sweep.run(input, carried, options);
  await condition(allHandlersFinished);
  if (result) return result;
  return continueAsNew<typeof datasetSizeSweep>(input, sweep.carried, options);
}

class DatasetSizeSweep {
  private readonly execution = new SweepExecution<SizePoint>();
  private spec!: DatasetSizeSweepSpec;
  private hasSearchAttributes = false;

  constructor() {
    this.execution.listen();
    setHandler(addSizesUpdate, (added) => this.addSizes(added), {
      validator: (added) => this.validateSizes(added),
    });
  }

  get carried(): CarriedSweep {
    const { spec, hasSearchAttributes } = this;
    return { spec, hasSearchAttributes, runs: this.execution.carried };
  }

  /** @returns null when it must continue as new */
  async run(
    input: DatasetSizeSweepInput,
    carried: CarriedSweep | null,
    { historyEvents }: { historyEvents?: number },
  ): Promise<SweepResult | null> {
    const { execution } = this;
    Object.assign(this, carried ?? (await this.resolve(input)));
    const { spec, hasSearchAttributes } = this;
    const { sweepId } = execution;
    const plan: SweepPlan<SizePoint> = {
      name: spec.name,
      parallel: spec.parallel,
      hasSearchAttributes,
      runs: carried?.runs,
      points: pointsOf(spec),
      runOf: (point) => runAtPoint(sweepId, point),
      specOf: (point) => pointSpec(sweepId, this.spec, point),
      dependsOn: ({ mode }) => (mode === 'transfer' ? this.transferFrom() : null),
      historyEvents,
    };
    return execution.conduct(plan, () => this.spec);
  }

  private async resolve(input: DatasetSizeSweepInput) {
    const { sweepId } = this.execution;
    const resolved = await this.execution.attend((activities) =>
      activities.resolveSweep({ sweepId, workflow: DATASET_SIZE_SWEEP, input }),
    );
    return { ...resolved, spec: resolved.spec as DatasetSizeSweepSpec };
  }

  /** The model of mode `transfer`: a run of this sweep, or another one. */
  private transferFrom(): string {
    const source = sourcePoint(this.spec);
    return source ? pointRunId(this.execution.sweepId, source) : this.spec.transferFrom;
  }

  private async addSizes({ sizes }: AddSizesInput): Promise<ControlReply> {
    const added = sizes.filter((size) => !this.spec.sizes.includes(size));
    if (added.length === 0) return { changed: false, message: 'The sweep has these sizes already.' };
    // The model that transfers continue from stays the one that it was.
    const transferFrom = this.transferFrom();
    this.spec = { ...this.spec, sizes: [...this.spec.sizes, ...added], transferFrom };
    const { sweepId } = this.execution;
    const { spec } = this;
    await this.execution.attend((activities) =>
      activities.recordSweep({ sweepId, workflow: DATASET_SIZE_SWEEP, spec }),
    );
    await this.execution.add(spec, pointsOf(spec, added));
    return { changed: true, message: `Added: ${added.join(', ')} images, ${spec.repeats} trainings each.` };
  }

  private validateSizes(added: AddSizesInput): void {
    this.execution.refuseOutsideOfRuns();
    if (!addSizesSchema.safeParse(added).success)
      refuse('addSizes takes {"sizes": [whole numbers from 2, none twice]}');
    const sizes = [...new Set([...this.spec.sizes, ...added.sizes])];
    if (pointsOf({ ...this.spec, sizes }).length > MAX_RUNS)
      refuse(`the sweep would have more than ${MAX_RUNS} runs`);
  }
}
