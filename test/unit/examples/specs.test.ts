/** The example specs are accepted as they are. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseSpec } from '../../../src/spec/parse.js';
import { DATASET_SIZE_SWEEP, HYPERPARAMETER_SWEEP } from '../../../src/spec/sweep.js';
import { parseSweep } from '../../../src/sweeps/kinds.js';

const EXAMPLES = new URL('../../../../examples/', import.meta.url);
const files = readdirSync(EXAMPLES).filter((name) => name.endsWith('.json'));

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, EXAMPLES), 'utf8'));
}

/** Workflows of the examples that are not runs. */
const WORKFLOWS: Record<string, string> = {
  'size-sweep.json': DATASET_SIZE_SWEEP,
  'hyperparameter-sweep.json': HYPERPARAMETER_SWEEP,
};

describe('example specs', () => {
  for (const file of files) {
    it(`examples/${file} is a spec that can be run`, () => {
      const workflow = WORKFLOWS[file];
      assert.doesNotThrow(() => (workflow ? parseSweep(workflow, read(file)) : parseSpec(read(file))));
    });
  }

  it('the quickstart runs all four stages and trains to its end', () => {
    const spec = parseSpec(read('quickstart.json'));
    assert.deepEqual(spec.stages, ['preprocess', 'train', 'generate', 'evaluate']);
    assert.equal(spec.train.stopWhen, null);
  });

  it('each example is described in the table of examples/README.md', () => {
    const table = readFileSync(new URL('README.md', EXAMPLES), 'utf8');
    for (const file of files) assert.match(table, new RegExp(`\`${file.replace('.', '\\.')}\``));
  });
});
