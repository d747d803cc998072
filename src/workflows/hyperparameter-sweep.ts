/** Trains the same spec with several settings of its keys, and tells what they change. */
import { allHandlersFinished, condition, continueAsNew, setHandler } from '@temporalio/workflow';
import type { ControlReply } from '../spec/controls.js';
import {
  type AddSettingsInput,
  addSettingsSchema,
  faultsOfSetting,
  type HyperparameterSweepInput,
  type HyperparameterSweepSpec,
  mostRuns,
  runOfSetting,
  type SettingPoint,
  settingPoints,
  settingSpec,
  settingsOf,
} from '../spec/hyperparameter-sweep.js';
import { HYPERPARAMETER_SWEEP, MAX_RUNS, type SweepResult, type SweepRun } from '../spec/sweep.js';
import { promoted } from './halving.js';
import { addSettingsUpdate } from './messages.js';
import { refuse, SweepExecution, type SweepPlan } from './sweep-execution.js';

/** Carried over when the workflow continues as new. */
export interface CarriedSettings {
  spec: HyperparameterSweepSpec;
  hasSearchAttributes: boolean;
  runs: SweepRun<SettingPoint>[];
}

/**
 * @param input a spec as a user writes it
 * @param options for tests: history events after which it continues as new
 */
export async function hyperparameterSweep(
  input: HyperparameterSweepInput,
  carried: CarriedSettings | null = null,
  options: { historyEvents?: number } = {},
): Promise<SweepResult> {
  const sweep = new HyperparameterSweep();
  const result = await sweep.run(input, carried, options);
  await condition(allHandlersFinished);
  if (result) return result;
  return continueAsNew<typeof hyperparameterSweep>(input, sweep.carried, options);
}

class HyperparameterSweep {
  private readonly execution = new SweepExecution<SettingPoint>();
  private spec!: HyperparameterSweepSpec;
  private hasSearchAttributes = false;

  constructor() {
    this.execution.listen();
    setHandler(addSettingsUpdate, (added) => this.addSettings(added), {
      validator: (added) => this.validateSettings(added),
    });
  }

  get carried(): CarriedSettings {
    const { spec, hasSearchAttributes } = this;
    return { spec, hasSearchAttributes, runs: this.execution.carried };
  }

  /** @returns null when it must continue as new */
  async run(
    input: HyperparameterSweepInput,
    carried: CarriedSettings | null,
    { historyEvents }: { historyEvents?: number },
  ): Promise<SweepResult | null> {
    const { execution } = this;
    Object.assign(this, carried ?? (await this.resolve(input)));
    const { spec, hasSearchAttributes } = this;
    const { sweepId } = execution;
    const plan: SweepPlan<SettingPoint> = {
      name: spec.name,
      parallel: spec.parallel,
      hasSearchAttributes,
      runs: carried?.runs,
      points: settingPoints(spec),
      runOf: (point) => runOfSetting(sweepId, point),
      specOf: (point) => settingSpec(this.spec, point),
      following: (runs) => promoted(runs, this.spec),
      historyEvents,
    };
    return execution.conduct(plan, () => this.spec);
  }

  private async resolve(input: HyperparameterSweepInput) {
    const { sweepId } = this.execution;
    const resolved = await this.execution.attend((activities) =>
      activities.resolveSweep({ sweepId, workflow: HYPERPARAMETER_SWEEP, input }),
    );
    return { ...resolved, spec: resolved.spec as HyperparameterSweepSpec };
  }

  private async addSettings({ settings }: AddSettingsInput): Promise<ControlReply> {
    const before = settingsOf(this.spec);
    const spec = { ...this.spec, settings: [...this.spec.settings, ...settings] };
    const added = new Map([...settingsOf(spec)].filter(([id]) => !before.has(id)));
    if (added.size === 0) return { changed: false, message: 'The sweep has these settings already.' };
    this.spec = spec;
    const { sweepId } = this.execution;
    await this.execution.attend((activities) =>
      activities.recordSweep({ sweepId, workflow: HYPERPARAMETER_SWEEP, spec }),
    );
    await this.execution.add(spec, settingPoints(spec, added));
    return { changed: true, message: `Added: ${added.size} settings, ${spec.repeats} trainings each.` };
  }

  private validateSettings(added: AddSettingsInput): void {
    this.execution.refuseOutsideOfRuns();
    if (!addSettingsSchema.safeParse(added).success)
      refuse('addSettings takes {"settings": [{"train.gamma": 4}, ...]}, at most 100 at once');
    const faults = added.settings.flatMap((setting) => faultsOfSetting(this.spec, setting));
    if (faults.length > 0) refuse(faults.join('; '));
    const settings = settingsOf(this.spec).size + added.settings.length;
    if (mostRuns(this.spec, settings) > MAX_RUNS) refuse(`the sweep would have more than ${MAX_RUNS} runs`);
  }
}
