/** The `gist` command: its subcommands and its exit codes. */
import { Command, CommanderError } from 'commander';
import { UsageError } from '../core/errors.js';
import { bypassProxies, keepFilesPrivate } from '../core/process-start.js';
import { registerCancel } from './commands/cancel.js';
import { registerCompare } from './commands/compare.js';
import { registerControls } from './commands/control.js';
import { registerDataset } from './commands/dataset.js';
import { registerDoctor } from './commands/doctor.js';
import { registerGanTrainTest } from './commands/gan-train-test.js';
import { registerGenerate } from './commands/generate.js';
import { registerLogs } from './commands/logs.js';
import { registerMetrics } from './commands/metrics.js';
import { registerQuickstart } from './commands/quickstart.js';
import { registerReport } from './commands/report.js';
import { registerRetry } from './commands/retry.js';
import { registerRun } from './commands/run.js';
import { registerRuns } from './commands/runs.js';
import { registerSchedule } from './commands/schedule.js';
import { registerStack } from './commands/stack.js';
import { registerStatus } from './commands/status.js';
import { registerSweep } from './commands/sweep.js';
import { registerWatch } from './commands/watch.js';
import { registerWeights } from './commands/weights.js';
import { registerWorker } from './commands/worker.js';
import { exitCodeOf, printError } from './report-error.js';

const EXIT_CODES = `
Exit codes: 0 done; 1 the run failed; 2 wrong use or a bad spec; 3 bad images; 4 training or checkpoint; 5 object store;
6 servers of the stack; 7 something is not installed; 8 no such run, or it refuses; 130 detached by Ctrl-C (the run continues).`;

export function buildProgram(): Command {
  const program = new Command('gist');
  program
    .description(
      'GIST: from a folder of medical images to a trained generator, a synthetic data set and a report on its quality',
    )
    .version('0.1.0')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows the usage)')
    .exitOverride()
    .addHelpText(
      'after',
      '\nFirst steps:\n  gist quickstart\n  gist run examples/quickstart.json --watch\n  gist status',
    )
    .addHelpText('afterAll', EXIT_CODES);
  for (const register of [
    registerQuickstart,
    registerStack,
    registerRun,
    registerSweep,
    registerSchedule,
    registerRuns,
    registerCompare,
    registerWatch,
    registerStatus,
    registerControls,
    registerCancel,
    registerRetry,
    registerLogs,
    registerReport,
    registerGenerate,
    registerMetrics,
    registerGanTrainTest,
    registerDataset,
    registerWeights,
    registerWorker,
    registerDoctor,
  ]) {
    register(program);
  }
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: string[]): Promise<void> {
  keepFilesPrivate();
  bypassProxies();
  try {
    await buildProgram().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError)
      process.exit(error.exitCode === 0 ? 0 : new UsageError({ what: '' }).exitCode);
    printError(error, argv.includes('--json'));
    process.exit(exitCodeOf(error));
  }
  // Connections to servers would keep a finished command alive.
  process.exit();
}

if (process.argv[1]?.endsWith('/dist/src/cli/main.js')) await main(process.argv);
