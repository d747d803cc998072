/** The worker process: polls while its machine can do the work, until it is asked to stop. */
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  bundleWorkflowCode,
  GracefulShutdownPeriodExpiredError,
  Runtime,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { environment } from '../core/environment.js';
import { wireError } from '../core/errors.js';
import { log } from '../core/log.js';
import { chooseGpu, onStopSignal, startService } from '../core/process-start.js';
import { CardWorkers, servedCards } from './card-workers.js';
import { poll } from './polling.js';
import { preflight, type Queue } from './preflight.js';
import { announceProblems } from './readiness.js';
import { runtimeLogger } from './runtime-logger.js';

const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

async function main(): Promise<void> {
  const stop = new AbortController();
  onStopSignal((signal) => {
    log.info('the worker shuts down after its checkpoints', { signal });
    stop.abort();
  });
  // A worker of a further card ends with the worker that started it.
  process.on('disconnect', () => stop.abort());
  const { values } = parseArgs({ options: { queue: { type: 'string', default: 'both' } } });
  const queue = values.queue as Queue;
  const logger = runtimeLogger();
  Runtime.install({ logger, shutdownSignals: [] });
  const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
  const bundling = bundleWorkflowCode({ workflowsPath, logger });
  const [own, ...others] = servedCards();
  // Before this process hides their cards.
  const cardWorkers = new CardWorkers(others);
  if (own !== undefined) {
    process.env.GIST_GPU = own;
    chooseGpu();
  }
  try {
    await pollUntilStopped(queue, bundling, stop.signal);
  } finally {
    await cardWorkers.end();
  }
}

async function pollUntilStopped(
  queue: Queue,
  bundling: Promise<WorkflowBundleWithSourceMap>,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const [problems, workflowBundle] = await Promise.all([preflight(queue, signal), bundling]);
    if (signal.aborted) return;
    if (problems.length === 0) {
      try {
        const started = Date.now();
        await poll({ queue, workflowBundle, signal });
        if (Date.now() - started > MAX_RETRY_MS) retryMs = FIRST_RETRY_MS;
        continue;
      } catch (error) {
        if (error instanceof GracefulShutdownPeriodExpiredError) throw error;
        problems.push(wireError(error));
      }
    }
    announceProblems(problems, retryMs);
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
  }
}

// The worker of several cards chooses its own among them.
if (environment.gpus() !== undefined) delete process.env.GIST_GPU;
startService();
main().then(
  () => process.exit(0),
  (error: unknown) => {
    log.error('the worker cannot continue', {
      error: error instanceof Error ? error.message : String(error),
    });
    process.exit(1);
  },
);
