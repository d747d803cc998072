/**
 * Compute processes for kinds of work that do not wait for each other. A process is started only
 * when all others are at work.
 */
import type { Compute, ComputeTasks, TaskName } from '../spec/compute-tasks.js';
import { ComputeProcess } from './compute-process.js';

type Kind = 'short' | 'evaluation' | 'metrics';

const KINDS: Record<TaskName, Kind> = {
  generateShard: 'short',
  extractShardFeatures: 'short',
  trainClassifier: 'short',
  evaluateSnapshot: 'evaluation',
  assembleSynthetic: 'metrics',
  listFeatureSets: 'metrics',
  computeMetrics: 'metrics',
};

export class ComputePool implements Compute {
  /** As many as kinds. */
  private readonly members: { process: ComputeProcess; kind: Kind }[];

  constructor(start = () => new ComputeProcess()) {
    this.members = [...new Set(Object.values(KINDS))].map((kind) => ({ process: start(), kind }));
  }

  run<Name extends TaskName>(
    task: Name,
    input: ComputeTasks[Name]['input'],
    options: Parameters<Compute['run']>[2],
  ): Promise<ComputeTasks[Name]['result']> {
    return this.processFor(KINDS[task]).run(task, input, options);
  }

  /** Tasks of a kind follow one another; the first free process is most likely a warm one. */
  private processFor(kind: Kind): ComputeProcess {
    const { members } = this;
    const member =
      members.find((each) => each.kind === kind && each.process.isBusy) ??
      members.find(({ process }) => !process.isBusy);
    if (!member) throw new Error('there are fewer compute processes than kinds of work');
    member.kind = kind;
    return member.process;
  }

  lendDevice<Result>(training: () => Promise<Result>): Promise<Result> {
    const lend = this.members.reduce<() => Promise<Result>>(
      (work, { process }) =>
        () =>
          process.lendDevice(work),
      training,
    );
    return lend();
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.close()));
  }
}
