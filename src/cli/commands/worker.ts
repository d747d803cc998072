/** `gist worker`: runs a worker in the foreground, for clusters. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.js';

const MAIN = fileURLToPath(new URL('../../workers/main.js', import.meta.url));

export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('poll the task queues of the servers that the environment names, until SIGTERM')
    .option('--queue <queue>', 'cpu, gpu or both', 'both')
    .addHelpText(
      'after',
      '\nExamples:\n  TEMPORAL_ADDRESS=temporal:7233 AWS_ENDPOINT_URL=http://s3:8333 gist worker --queue gpu',
    )
    .action(async ({ queue }: { queue: string }) => {
      if (!['cpu', 'gpu', 'both'].includes(queue))
        throw new UsageError({
          what: `--queue ${queue} is not cpu, gpu or both`,
          hint: 'Write --queue cpu.',
        });
      const child = spawn(process.execPath, [MAIN, '--queue', queue], { stdio: 'inherit' });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
      process.exitCode = await new Promise<number>((resolve) =>
        child.once('exit', (code) => resolve(code ?? 1)),
      );
    });
}
