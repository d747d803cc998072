/** Writes the graph of a job's training, and beside it what `profile_graph.py` wants to know to run each of its phases. */
import { createWriteStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { partPath } from '../src/core/parts.js';
import type { NetworkSettings } from '../src/gan/config.js';
import { prepareNative, trainingWork } from './steps.js';

export interface ProfileJob {
  network: NetworkSettings;
  batch: number;
  gamma: number;
  threads: number;
  /** Gets the graph, the values of its variables and `job.json`. */
  folder: string;
}

export async function writeProfile({ network, batch, gamma, threads, folder }: ProfileJob): Promise<void> {
  prepareNative(threads);
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { writeGraph } = await import('../src/nn/graph-program.js');
  const { initialValues, variablesOf } = await import('../src/nn/program.js');
  const { definition } = await trainingWork(resolveNetworkConfig(network), { batch, gamma });
  const variables = variablesOf(definition);
  writeGraph(definition, variables, folder);
  const values = path.join(folder, 'values.bin');
  const bodies = Object.values(variables).map((spec) => Buffer.from(initialValues(spec).buffer));
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
    variables: Object.entries(variables).map(([name, spec]) => ({
      node: `restore/feed/${name}`,
      shape: spec.shape,
      size: initialValues(spec).length,
    })),
    restored: 'restore/done',
    phases: Object.fromEntries(phases),
  };
  writeFileSync(path.join(folder, 'job.json'), JSON.stringify(job));
}

const job = process.argv[2];
if (job) {
  await writeProfile(JSON.parse(job) as ProfileJob);
  process.stdout.write('{}\n');
  process.exit(0);
}
