/**
 * `npm run paper`: the paper's experiments on phantom X-rays, and docs/paper/ from their results.
 * An interrupted call is continued by the next one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { GistError } from '../../src/core/errors.js';
import { writePhantoms } from '../phantoms/index.js';
import { EXPERIMENTS, type Experiment, type ExperimentName } from './experiments.js';
import { writePaper } from './page.js';

const GIST = fileURLToPath(new URL('../../../bin/gist.mjs', import.meta.url));
const PAGE = fileURLToPath(new URL('../../../docs/paper', import.meta.url));
/** Four fifths are for training: 781 is the paper's largest set. */
const PHANTOMS = 1000;
/** Exit code of `gist` when there is no such run. */
const UNKNOWN_RUN = 8;

/** A command of `gist` that did not succeed; it has printed why. */
class CommandFailed extends Error {
  constructor(readonly exitCode: number) {
    super(`gist ended with exit code ${exitCode}`);
  }
}

const command = new Command('paper')
  .description(
    "Repeat the paper's experiments on phantom X-rays: under two hours on two cores. Call it again after an interruption.",
  )
  .option('--images <folder>', 'where the phantoms are drawn', path.resolve('.gist/paper/phantoms'))
  .option('--out <folder>', 'where the page and its figures go', PAGE)
  .addHelpText('after', '\nExamples:\n  npm run paper\n  npm run paper -- --out paper/')
  .action(paper);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CommandFailed || error instanceof GistError)) throw error;
  if (error instanceof GistError) process.stderr.write(`${error.message}\n`);
  process.stderr.write('`npm run paper` continues with what is missing.\n');
  process.exitCode = error.exitCode;
}

async function paper({ images, out }: { images: string; out: string }): Promise<void> {
  await gist(['up']);
  await writePhantoms({ folder: images, count: PHANTOMS, seed: 0 });
  const results = mkdtempSync(path.join(tmpdir(), 'gist-paper-'));
  try {
    for (const name of Object.keys(EXPERIMENTS) as ExperimentName[]) {
      const experiment = EXPERIMENTS[name];
      process.stderr.write(`${experiment.id}: ${experiment.title}\n`);
      await complete(experiment, images);
      const report = experiment.kind === 'run' ? ['report'] : ['sweep', 'report'];
      await gist([...report, experiment.id, '--out', path.join(results, name)]);
    }
    await writePaper(results, out);
    process.stdout.write(`${path.join(out, 'README.md')}\n`);
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/** Starts an experiment, joins it, or continues it, until it has a result. */
async function complete({ id, kind, spec }: Experiment, images: string): Promise<void> {
  const status = await statusOf(id);
  if (status === 'completed') return;
  if (status === 'running') return gist(['watch', id]);
  if (status !== null) {
    await gist(['retry', id]);
    return gist(['watch', id]);
  }
  const [start, key] =
    kind === 'run' ? [['run'], 'preprocess.source'] : [['sweep', kind], 'run.preprocess.source'];
  await gist([...start, spec, '--id', id, '--set', `${key}=${images}`, '--watch']);
}

/** @returns null when it has never run here */
async function statusOf(id: string): Promise<string | null> {
  const child = spawn(process.execPath, [GIST, 'status', id, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await ended(child);
  if (exitCode === UNKNOWN_RUN) return null;
  if (exitCode !== 0) throw new CommandFailed(exitCode);
  return (JSON.parse(Buffer.concat(chunks).toString('utf8')) as { status: string }).status;
}

async function gist(args: readonly string[]): Promise<void> {
  const exitCode = await ended(spawn(process.execPath, [GIST, ...args], { stdio: 'inherit' }));
  if (exitCode !== 0) throw new CommandFailed(exitCode);
}

function ended(child: ReturnType<typeof spawn>): Promise<number> {
  // Ctrl-C reaches the command too, which detaches from its run; this process then ends as it does.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  }).finally(() => process.off('SIGINT', ignore));
}
