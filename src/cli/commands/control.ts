/** `gist pause|resume|stop|extend`: orders to a run; each is idempotent and answers in 10 s. */
import type { Command } from 'commander';
import { requireStack } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import type { ControlUpdate } from '../../spec/controls.js';
import { checkRunId } from '../../spec/run-id.js';
import { printResult } from '../terminal.js';

async function sendUpdate(
  runId: string,
  update: ControlUpdate,
  json?: boolean,
  input?: object,
): Promise<void> {
  checkRunId(runId);
  requireStack();
  const { connect, sendOrder } = await import('../../client/index.js');
  const reply = await sendOrder(await connect(), runId, update, input);
  printResult(json, reply, reply.message);
}

const CONTROLS: [string, ControlUpdate, string][] = [
  ['pause', 'pause', 'write a checkpoint and free the device'],
  ['resume', 'resume', 'continue a run that is paused or needs attention'],
  ['stop', 'stopTraining', 'end the training and continue with the next stage'],
];

export function registerControls(program: Command): void {
  for (const [name, update, description] of CONTROLS) {
    program
      .command(name)
      .argument('<run>', 'id of the run')
      .description(description)
      .option('--json', 'for machines')
      .addHelpText('after', `\nExamples:\n  gist ${name} knee-oa-20260131-142233-1f0c`)
      .action((runId: string, { json }: { json?: boolean }) => sendUpdate(runId, update, json));
  }
  program
    .command('extend')
    .argument('<run>', 'id of the run')
    .description('train longer than the spec says')
    .requiredOption('--kimg <total>', 'new total length in kimg')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist extend knee-oa-20260131-142233-1f0c --kimg 50000')
    .action((runId: string, { kimg, json }: { kimg: string; json?: boolean }) => {
      const total = Number(kimg);
      if (!(total > 0))
        throw new UsageError({
          what: `--kimg ${kimg} is not a positive number`,
          hint: 'Write --kimg 50000.',
        });
      return sendUpdate(runId, 'extendTraining', json, { kimg: total });
    });
}
