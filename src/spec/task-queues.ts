/** Task queues by kind of work, and by what a training needs of its worker. */
import type { TrainSpec } from './train.js';

/**
 * Task queues of a run, as its first activity records them. Runs of earlier versions have recorded
 * `cpu` and `gpu` only, which then serve all work.
 */
export interface TaskQueues {
  /** Data sets, metrics and reports. */
  cpu: string;
  /** Its training. */
  gpu: string;
  /** Metrics of snapshots. */
  evaluation?: string;
  /** Work of minutes on a device: images, features, classifiers. */
  short?: string;
}

/** The queues of a deployment; trainings of special needs have further ones. */
export interface DeploymentQueues extends Required<TaskQueues> {
  /** Workflows and bookkeeping. */
  workflows: string;
}

/** @param base `GIST_TASK_QUEUE`; @param gpu `GIST_GPU_TASK_QUEUE` */
export function deploymentQueues(base: string, gpu: string): DeploymentQueues {
  return {
    workflows: base,
    cpu: `${base}-cpu`,
    evaluation: `${base}-evaluation`,
    gpu,
    short: `${gpu}-short`,
  };
}

const GIB = 2 ** 30;
/**
 * Memory of usual cards, in GiB. Trainings that fit into the smallest go to the queue that every
 * worker with a device serves.
 */
const MEMORY_CLASSES = [4, 8, 12, 16, 24, 40, 80, 140];
/** A card reports a little less than its name says. */
const REPORTED = 0.95;

export interface TrainingNeeds {
  engine: TrainSpec['engine'];
  /** Device memory that a worker must have; 0: not known. */
  bytes: number;
}

/** What a worker can do. */
export interface Abilities {
  bytes: number;
  /** Whether it has the user's checkout of the official trainer. */
  hasStylegan3: boolean;
}

/** The queue of the workers that can do a training. */
export function trainingQueue(gpu: string, { engine, bytes }: TrainingNeeds): string {
  if (engine === 'stylegan3') return `${gpu}-stylegan3`;
  const [smallest = 0] = MEMORY_CLASSES;
  const size =
    MEMORY_CLASSES.find((gib) => bytes <= REPORTED * gib * GIB) ?? Math.ceil(bytes / REPORTED / GIB);
  return size === smallest ? gpu : `${gpu}-${size}g`;
}

/** The queues of trainings that a worker serves, the most special ones first. */
export function servedQueues(gpu: string, { bytes, hasStylegan3 }: Abilities): string[] {
  const sizes = MEMORY_CLASSES.slice(1).filter((gib) => bytes >= REPORTED * gib * GIB);
  return [
    ...(hasStylegan3 ? [`${gpu}-stylegan3`] : []),
    ...sizes.reverse().map((gib) => `${gpu}-${gib}g`),
    gpu,
  ];
}

/** What workers of a queue must have, in words; null for a queue that needs nothing special. */
export function needOf(gpu: string, queue: string): string | null {
  if (!queue.startsWith(`${gpu}-`)) return null;
  const need = queue.slice(gpu.length + 1);
  if (need === 'stylegan3') return 'a checkout of the official trainer (GIST_STYLEGAN3_DIR)';
  const gib = /^(\d+)g$/.exec(need)?.[1];
  return gib ? `a device with ${gib} GiB of memory` : null;
}

/**
 * Priorities of Temporal: smaller numbers go first. 1 and 2 are for trainings that have had a
 * device, of people and of sweeps.
 */
export const PERSON_PRIORITY_KEY = 3;

/** The priority of a training that has had a device, from the one that it started with. */
export function placeHeld(priorityKey: number): number {
  return priorityKey <= PERSON_PRIORITY_KEY ? 1 : 2;
}
