/**
 * Writes the graph of a training and measures the time of each operation of its phases with
 * `profile_graph.py`. Prints one line of JSON.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { partPath } from '../src/core/parts.js';
import type { NetworkSettings } from '../src/gan/config.js';
import { prepareNative, trainingWork } from './steps.js';

export interface ProfileJob {
  network: NetworkSettings;
  batch: number;
  gamma: number;
  threads: number;
}

const SCRIPT = fileURLToPath(new URL('../../bench/profile_graph.py', import.meta.url));

/**
 * @returns the output of the script. It inherits the environment with the settings of TensorFlow.
 */
export async function profile(job: ProfileJob): Promise<string> {
  prepareNative(job.threads);
  // Run one operation at a time, so that the times do not include concurrent operations.
  process.env.TF_NUM_INTEROP_THREADS = '1';
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-profile-'));
  try {
    const file = await writeGraphAndJob(job, folder);
    return execFileSync(process.env.PYTHON ?? 'python3', [SCRIPT, file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: Number.POSITIVE_INFINITY,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Writes the graph, the values of its variables, and the job of the script. @returns the path of
 * the job
 */
async function writeGraphAndJob({ network, batch, gamma }: ProfileJob, folder: string): Promise<string> {
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { recordGraph } = await import('../src/nn/program/graph.js');
  const { initialVariable, stateOf } = await import('../src/nn/program/program.js');
  const { definition } = await trainingWork(resolveNetworkConfig(network), { batch, gamma });
  const variables = stateOf(definition);
  writeFileSync(path.join(folder, 'saved_model.pb'), recordGraph(definition, variables).model);
  const values = path.join(folder, 'values.bin');
  const bodies = Object.values(variables).map((spec) => Buffer.from(initialVariable(spec).buffer));
  await pipeline(Readable.from(bodies), createWriteStream(values));
  const phases = Object.entries(definition.phases).map(([name, { feeds }]) => {
    const scope = `phase.${name}`;
    const fed = Object.entries(feeds).map(([feed, spec]) => ({ node: `${scope}/feed/${feed}`, ...spec }));
    return [name, { feeds: fed, done: `${scope}/done` }];
  });
  const job = {
    libraries: partPath('tensorflow'),
    model: folder,
    values,
    variables: Object.entries(variables).map(([name, { shape }]) => ({
      node: `restore/feed/${name}`,
      shape,
    })),
    restored: 'restore/done',
    phases: Object.fromEntries(phases),
  };
  const file = path.join(folder, 'job.json');
  writeFileSync(file, JSON.stringify(job));
  return file;
}

const job = process.argv[2];
if (job) {
  process.stdout.write(await profile(JSON.parse(job) as ProfileJob), () => process.exit(0));
}
