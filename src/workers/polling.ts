/** One period of polling: from a connection until a request to stop, or until the machine fails. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import {
  GracefulShutdownPeriodExpiredError,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import { environment } from '../core/environment.js';
import { log } from '../core/log.js';
import { openStore } from '../storage/index.js';
import { ComputePool } from './compute-pool.js';
import { DeviceSlot } from './device-slot.js';
import { failAbandoned, InFlight } from './in-flight.js';
import { type Queue, recheck } from './preflight.js';
import { type QueueOptions, queueOptions } from './queue-options.js';
import { announceEnd, announceReady } from './readiness.js';
import { TemporalConnection } from './temporal-connection.js';

/** A worker that has failed ends within this time. */
const END_MS = 2_000;

export interface PollingOptions {
  queue: Queue;
  /** Needed by the CPU queue, on which workflows run. */
  workflowBundle: WorkflowBundleWithSourceMap;
  signal: AbortSignal;
}

/** @throws StackError when Temporal cannot be used, and when it refuses this worker later */
export async function poll({ queue, workflowBundle, signal }: PollingOptions): Promise<void> {
  const temporal = await TemporalConnection.open();
  const compute = new ComputePool();
  const end = new AbortController();
  try {
    const folder = path.join(environment.stateFolder(), 'in-flight');
    await failAbandoned(folder, temporal.client());
    const inFlight = new InFlight(folder);
    const device = new DeviceSlot();
    const onWorkerFailure = recheckOnce(queue, device, () => end.abort());
    const store = openStore(environment.storeUri());
    const common: Omit<WorkerOptions, 'taskQueue'> = {
      connection: temporal.connection,
      namespace: temporal.namespace,
      activities: createActivities({ store, compute, onWorkerFailure }),
      maxHeartbeatThrottleInterval: environment.heartbeatThrottleMs(),
      defaultHeartbeatThrottleInterval: environment.heartbeatThrottleMs(),
      shutdownForceTime: environment.graceMs(),
    };
    const interceptorsOf = ({ holdsDevice }: Omit<QueueOptions, 'options'>) => ({
      activity: [inFlight.interceptor, ...(holdsDevice ? [device.interceptor] : [])],
    });
    const workers = await Promise.all(
      queueOptions(queue, device).map(({ options, ...of }) =>
        Worker.create({
          ...common,
          ...options,
          interceptors: interceptorsOf(of),
          ...(of.runsWorkflows && { workflowBundle }),
        }),
      ),
    );
    const ends = AbortSignal.any([signal, end.signal]);
    void temporal.keepCurrent(workers, ends);
    log.info('the worker polls', { queue, store: store.uri, namespace: temporal.namespace });
    await run(workers, ends, () => announceReady(queue)).catch(async (error: unknown) => {
      if (error instanceof GracefulShutdownPeriodExpiredError) throw error;
      throw await temporal.refusalOf(error);
    });
  } finally {
    end.abort();
    announceEnd();
    await compute.close();
    await temporal.close().catch(() => undefined);
  }
}

/** Runs until the signal; when one worker ends with an error, the others end too. */
async function run(workers: Worker[], signal: AbortSignal, onPolling: () => void): Promise<void> {
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const running = workers.map((worker) => runToEnd(worker).finally(shutdown));
  signal.addEventListener('abort', shutdown, { once: true });
  if (signal.aborted) shutdown();
  else onPolling();
  const outcomes = await Promise.allSettled(running);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Runs a worker to its end. The SDK may wait for ever for the polls of a worker whose API key is
 * refused. Such a worker is abandoned.
 */
async function runToEnd(worker: Worker): Promise<void> {
  const running = worker.run();
  const isOver = running.then(
    () => true,
    () => true,
  );
  let failedChecks = 0;
  while (!(await Promise.race([isOver, sleep(END_MS, false)])))
    if (worker.getState() === 'FAILED' && ++failedChecks > 1)
      throw new Error('the worker has failed and does not end');
  return running;
}

/**
 * Tries the machine again after a failure that it may have caused, before the failure is reported:
 * a broken machine then does not get the next attempt. One check at a time.
 */
function recheckOnce(queue: Queue, device: DeviceSlot, onUnfit: () => void): () => Promise<void> {
  let checking: Promise<void> | null = null;
  return () => {
    // A failed training itself no longer computes.
    const isTraining = device.isTaken && Context.current().info.activityType !== 'train';
    checking ??= recheck(queue, isTraining)
      .then((problems) => {
        if (problems.length > 0) onUnfit();
      })
      .finally(() => {
        checking = null;
      });
    return checking;
  };
}
