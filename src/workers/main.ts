/** The worker process: polls the CPU queue, the GPU queue or both, and shuts down gracefully. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import { environment } from '../core/environment.js';
import { log } from '../core/log.js';
import { openStore } from '../storage/index.js';
import { ComputeProcess } from './compute-process.js';
import { runtimeLogger } from './runtime-logger.js';

type Queue = 'cpu' | 'gpu' | 'both';

/** Heartbeats reach the server, and cancellations the activity, within this time. */
const HEARTBEAT_THROTTLE = '3 seconds';
/** A trainer has this long for its last checkpoint before the process ends. */
const SHUTDOWN_FORCE = '110 seconds';

const POLICIES: Record<'cpu' | 'gpu', Pick<WorkerOptions, 'maxConcurrentActivityTaskExecutions'>> = {
  // Shards of preprocessing and one evaluation of a snapshot; libvips decodes pixels on its own
  // threads.
  cpu: { maxConcurrentActivityTaskExecutions: 3 },
  // One activity uses the device at a time.
  gpu: { maxConcurrentActivityTaskExecutions: 1 },
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { queue: { type: 'string', default: 'both' } } });
  const queue = values.queue as Queue;
  Runtime.install({ logger: runtimeLogger(), shutdownSignals: [] });
  const config = loadClientConnectConfig();
  const connection = await NativeConnection.connect(config.connectionOptions);
  const namespace = config.namespace ?? 'default';
  const compute = new ComputeProcess();
  const activities = createActivities({ store: openStore(environment.storeUri()), compute });
  const common: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    activities,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    shutdownForceTime: SHUTDOWN_FORCE,
  };
  const workers: Worker[] = [];
  if (queue !== 'gpu') {
    const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
    workers.push(
      await Worker.create({ ...common, ...POLICIES.cpu, taskQueue: environment.taskQueue(), workflowsPath }),
    );
  }
  if (queue !== 'cpu')
    workers.push(await Worker.create({ ...common, ...POLICIES.gpu, taskQueue: environment.gpuTaskQueue() }));

  const shutdown = (signal: NodeJS.Signals) => {
    log.info('the worker shuts down after its checkpoints', { signal });
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', shutdown);
  process.once('SIGINT', shutdown);
  const running = Promise.all(workers.map((worker) => worker.run()));
  announceReady(queue);
  log.info('the worker polls', { queue, store: environment.storeUri(), namespace });
  try {
    await running;
  } finally {
    await compute.close();
    await connection.close();
  }
}

/**
 * Reports readiness: a line on standard output and, where `GIST_READY_FILE` names one, a file (for
 * readiness probes).
 */
function announceReady(queue: Queue): void {
  process.stdout.write(`${JSON.stringify({ ready: true, queue })}\n`);
  const file = environment.readyFile();
  if (file) writeFileSync(file, `${process.pid}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log.error('the worker cannot continue', {
      error: error instanceof Error ? error.message : String(error),
    });
    process.exit(1);
  },
);
