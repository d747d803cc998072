/** What a worker polls: task queues, and how much of each it does at the same time. */
import type { WorkerOptions } from '@temporalio/worker';
import { environment } from '../core/environment.js';
import { type Abilities, deploymentQueues, servedQueues } from '../spec/task-queues.js';
import { availableMemory, deviceMemory } from '../training/index.js';
import type { DeviceSlot } from './device-slot.js';
import type { Queue } from './preflight.js';
import { hasRoomBesideTraining, shortSlots } from './short-slots.js';

/** A worker of the SDK: the queue that it polls, and its slots. */
export interface QueueOptions {
  options: Pick<
    WorkerOptions,
    'taskQueue' | 'maxConcurrentActivityTaskExecutions' | 'activityTaskPollerBehavior' | 'tuner'
  >;
  runsWorkflows?: boolean;
  /** Its activities have the device for themselves. */
  holdsDevice?: boolean;
}

/** Small reads and writes of the store. */
const BOOKKEEPING_SLOTS = 20;
/** Shards of preprocessing, and metrics; libvips decodes pixels on its own threads. */
const CPU_SLOTS = 3;
const WORKFLOW_SLOTS = 40;

/** This machine's. */
export function abilities(): Abilities {
  const hasStylegan3 = environment.stylegan3Folder() !== undefined;
  const card = environment.tensorflow() === 'cuda' ? deviceMemory() : null;
  return { bytes: card ? card.totalBytes : availableMemory(), hasStylegan3 };
}

/** @param queue the part of the work that the worker takes */
export function queueOptions(queue: Queue, device: DeviceSlot, able = abilities()): QueueOptions[] {
  const queues = deploymentQueues(environment.taskQueue(), environment.gpuTaskQueue());
  const hasRoom = () => !device.isTaken || hasRoomBesideTraining();
  const beside = (taskQueue: string) => ({ options: { taskQueue, ...onePoll(shortSlots(1, hasRoom)) } });
  const { workflows, cpu, evaluation, gpu, short } = queues;
  const ofCpu: QueueOptions[] = [
    {
      options: { taskQueue: workflows, maxConcurrentActivityTaskExecutions: BOOKKEEPING_SLOTS },
      runsWorkflows: true,
    },
    { options: { taskQueue: cpu, maxConcurrentActivityTaskExecutions: CPU_SLOTS } },
    beside(evaluation),
  ];
  const ofTrainings = servedQueues(gpu, able).map((taskQueue) => ({
    options: { taskQueue, ...onePoll(device.supplier()) },
    holdsDevice: true,
  }));
  const ofDevice: QueueOptions[] = [...ofTrainings, beside(short)];
  return [...(queue === 'gpu' ? [] : ofCpu), ...(queue === 'cpu' ? [] : ofDevice)];
}

/** A slot that is asked for at each poll. */
function onePoll(
  activityTaskSlotSupplier: ReturnType<DeviceSlot['supplier']>,
): Pick<WorkerOptions, 'tuner' | 'activityTaskPollerBehavior'> {
  const fixed = { type: 'fixed-size', numSlots: WORKFLOW_SLOTS } as const;
  return {
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    tuner: {
      activityTaskSlotSupplier,
      workflowTaskSlotSupplier: fixed,
      localActivityTaskSlotSupplier: fixed,
      nexusTaskSlotSupplier: fixed,
    },
  };
}
