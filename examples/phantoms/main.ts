/**
 * The command line of the phantom generator: `node dist/examples/phantoms/main.js FOLDER --count
 * 600 --seed 0`.
 */
import { Command, InvalidArgumentError } from 'commander';
import { GistError } from '../../src/core/errors.js';
import { DEFAULT_CLASSES, writePhantoms } from './write-phantoms.js';

interface Flags {
  count: number;
  seed: number;
  classes: readonly number[];
}

const command = new Command('phantoms')
  .description(
    'Write X-ray-like knee images in five grades of osteoarthritis: made by arithmetic, no patients.',
  )
  .argument('<folder>', 'folder to write to; one subfolder a grade')
  .option('--count <n>', 'images in total', wholeNumber, 600)
  .option('--seed <n>', 'equal seeds give equal images', wholeNumber, 0)
  .option('--classes <shares>', 'relative shares of the grades, comma-separated', shares, DEFAULT_CLASSES)
  .action(run);

await command.parseAsync();

async function run(folder: string, flags: Flags): Promise<void> {
  try {
    const { counts } = await writePhantoms({ folder, ...flags });
    process.stdout.write(`${counts.map((count, grade) => `grade-${grade}: ${count}`).join('\n')}\n`);
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('Give a whole number from 0 on.');
  }
  return value;
}

function shares(text: string): number[] {
  return text.split(',').map(Number);
}
