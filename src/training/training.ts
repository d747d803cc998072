/** The state of a training in this process, and the copy of it that becomes a checkpoint. */
import { CHECKPOINT_PARTS, type CheckpointManifest, type TrainingCounters } from '../checkpoints/manifest.js';
import type { CapturedState } from '../checkpoints/put-checkpoint.js';
import type { ListEntry } from '../checkpoints/list.js';
import type { Spool } from '../checkpoints/spool.js';
import { encodeVariables, shapesOf, type Variables } from '../checkpoints/variables.js';
import type { CheckpointWriter } from '../checkpoints/writer.js';
import type { NetworkConfig } from '../gan/config.js';
import { isSum } from '../gan/loss/accumulation.js';
import type { TrainingOptions } from '../gan/loss/options.js';
import type { Schedule } from '../gan/loss/step-plan.js';
import type { Program, ProgramDefinition } from '../nn/program/program.js';
import type { CheckpointRef } from '../spec/results.js';
import type { TrainingData } from './data.js';
import { assertFinite } from './finite.js';
import type { PreviewPainter } from './preview.js';

/** Where an attempt starts, and what is left to upload of earlier ones. */
export interface TrainingResumption {
  /** The state that training resumes from; null: from scratch. */
  from: CheckpointRef | null;
  /** The newest checkpoint in the store. */
  stored: CheckpointRef | null;
  spool: Spool;
  /** States in the spool that the store does not have. */
  pending: ListEntry[];
}

export interface Training {
  readonly config: NetworkConfig;
  readonly options: TrainingOptions;
  readonly data: TrainingData;
  readonly definition: ProgramDefinition;
  readonly schedule: Schedule;
  /** Holds the variables. */
  readonly program: Program;
  readonly counters: TrainingCounters;
  /** Losses of the newest step, by name. */
  readonly losses: Record<string, number>;
  /** Lines of stats.jsonl so far. */
  readonly statsLines: string[];
  readonly writer: CheckpointWriter;
  readonly resumption: TrainingResumption;
  readonly painter: PreviewPainter;
  /** What the manifest of every checkpoint repeats. */
  readonly fixed: Pick<CheckpointManifest, 'configuration' | 'numericEnvironment' | 'classes'>;
}

/**
 * The state as it is now, on the host, with a preview if it is a snapshot.
 *
 * @throws TrainingError when a variable is not finite: such a state is never kept.
 */
export async function captureState(training: Training, snapshot: boolean): Promise<CapturedState> {
  const { program, definition, counters, statsLines, painter, fixed } = training;
  const variables = withoutSums(await program.read());
  assertFinite(variables, counters.step);
  const parts = encodeVariables(variables, shapesOf(definition));
  parts[CHECKPOINT_PARTS.stats] = Buffer.from(statsLines.map((line) => `${line}\n`).join(''));
  if (snapshot) parts[CHECKPOINT_PARTS.preview] = await painter.paint(variables);
  const { step, images } = counters;
  return {
    draft: { kimg: images / 1000, step, snapshot, counters: structuredClone(counters), ...fixed },
    parts,
  };
}

/** Sums of gradients hold nothing between steps, so they are not part of a training's state. */
function withoutSums(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isSum(name)));
}

export function closeTraining({ painter, program, data }: Training): void {
  painter.dispose();
  program.dispose();
  data.images.close?.();
}
