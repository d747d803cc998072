/** Where the graphs of trainings are kept, and what a graph depends on. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../core/environment.js';
import { deviceForm, filterForm } from '../nn/ops/device-forms.js';
import type { KeptGraph } from '../nn/program/graph.js';
import { GraphCache } from '../nn/program/graph-cache.js';
import { libraryVersion, tf } from '../nn/tensorflow.js';

/** Folders, beside this one, whose code records graphs. */
const RECORDING_CODE = ['core', 'spec', 'nn', 'gan', 'generation'];

let code: string | null = null;

/**
 * @param inputs what the program is made of: its kind, configuration and options
 */
export function keptGraph(inputs: { program: string } & Record<string, unknown>): KeptGraph {
  code ??= codeDigest();
  const forms = [deviceForm(), filterForm()];
  return {
    cache: new GraphCache(path.join(environment.dataCacheFolder(), 'graphs')),
    identity: { inputs, code, forms, library: libraryVersion(), packages: tf.version },
  };
}

/** Of the code itself: a version number would have to be raised at every change. */
function codeDigest(): string {
  const hash = createHash('sha256');
  const root = fileURLToPath(new URL('../', import.meta.url));
  for (const folder of RECORDING_CODE) {
    const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((name) => name.endsWith('.js')).sort())
      hash.update(`${folder}/${name}\0`).update(readFileSync(path.join(root, folder, name)));
  }
  return hash.digest('hex');
}
