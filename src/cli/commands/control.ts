/** `gist pause|resume|stop|extend`: orders to a run; each may be given twice. */
import type { Command } from 'commander';
import { up } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import type { ControlUpdate } from '../../spec/controls.js';
import { printResult, tell } from '../terminal.js';

async function order(runId: string, update: ControlUpdate, json?: boolean, input?: object): Promise<void> {
  await up(tell);
  const { connect, control } = await import('../../client/index.js');
  const reply = await control(await connect(), runId, update, input);
  printResult(json, reply, reply.message);
}

const ORDERS: [string, ControlUpdate, string][] = [
  ['pause', 'pause', 'take a checkpoint and free the device'],
  ['resume', 'resume', 'go on from where the run was paused'],
  ['stop', 'stopTraining', 'end the training, keep what is there and go on to the next stage'],
];

export function registerControls(program: Command): void {
  for (const [name, update, description] of ORDERS) {
    program
      .command(name)
      .argument('<run>', 'id of the run')
      .description(description)
      .option('--json', 'for machines')
      .addHelpText('after', `\nExamples:\n  gist ${name} knee-oa-20260131-142233-1f0c`)
      .action((runId: string, { json }: { json?: boolean }) => order(runId, update, json));
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
      return order(runId, 'extendTraining', json, { kimg: total });
    });
}
