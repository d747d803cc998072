/** `gist worker`: runs a worker in the foreground, for clusters. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { parseDuration } from '../../core/duration.js';
import { UsageError } from '../../core/errors.js';
import { onStopSignal } from '../../core/process-start.js';

const MAIN = fileURLToPath(new URL('../../workers/main.js', import.meta.url));

interface WorkerOptions {
  queue: string;
  grace?: string;
  gpu?: string;
  gpus?: string;
}

export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('poll the task queues of the servers that the environment names, until SIGTERM')
    .option('--queue <queue>', 'cpu (workflows, data sets, metrics), gpu (trainings, images) or both', 'both')
    .option(
      '--grace <time>',
      'time for the last checkpoint after a signal to stop (default: GIST_GRACE, or 110s)',
    )
    .option('--gpu <number>', 'the card to use, where there are several (default: GIST_GPU, or 0)')
    .option('--gpus <cards>', 'one worker for each: all, or numbers such as 0,1 (default: GIST_GPUS)')
    .addHelpText(
      'after',
      `
One worker uses one card.

Give the worker less time than the system that stops it:
  Kubernetes  terminationGracePeriodSeconds is 30 s by default: set it to 120
  SLURM       KillWait is 30 s by default: sbatch --signal=USR1@120 warns 120 s before the time limit
  systemd     TimeoutStopSec is 90 s by default: set it to 120

Examples:
  TEMPORAL_ADDRESS=temporal:7233 AWS_ENDPOINT_URL=http://s3:8333 gist worker --queue gpu
  gist worker --queue gpu --grace 25s
  gist worker --queue gpu --gpu 1
  gist worker --queue gpu --gpus all`,
    )
    .action(async ({ queue, grace, gpu, gpus }: WorkerOptions) => {
      if (!['cpu', 'gpu', 'both'].includes(queue))
        throw new UsageError({
          what: `--queue ${queue} is not cpu, gpu or both`,
          hint: 'Write --queue cpu.',
        });
      if (grace !== undefined && parseDuration(grace) === undefined)
        throw new UsageError({ what: `--grace ${grace} is not a time`, hint: 'Write --grace 110s or 2m.' });
      if (gpu !== undefined && !/^\d+$/.test(gpu))
        throw new UsageError({
          what: `--gpu ${gpu} is not the number of a card`,
          hint: 'Write --gpu 0; `gist doctor` lists the cards.',
        });
      const child = spawn(process.execPath, [MAIN, '--queue', queue], {
        stdio: 'inherit',
        env: {
          ...process.env,
          ...(grace && { GIST_GRACE: grace }),
          ...(gpu && { GIST_GPU: gpu }),
          ...(gpus && { GIST_GPUS: gpus }),
        },
      });
      onStopSignal((signal) => child.kill(signal));
      process.exitCode = await new Promise<number>((resolve) =>
        child.once('exit', (code) => resolve(code ?? 1)),
      );
    });
}
