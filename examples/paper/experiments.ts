/** The experiments of the paper on phantoms: their specs, ids and result files. */
import { fileURLToPath } from 'node:url';

export interface Experiment {
  /** Id of its run or sweep, the same in every call: what has finished is kept. */
  id: string;
  kind: 'run' | 'dataset-size' | 'hyperparameters';
  spec: string;
  title: string;
}

const spec = (name: string) =>
  fileURLToPath(new URL(`../../../examples/paper/small/${name}.json`, import.meta.url));

/** In the order in which they run: the transfers continue from the model of `paper-knee`. */
export const EXPERIMENTS = {
  knee: {
    id: 'paper-knee',
    kind: 'run',
    spec: spec('knee'),
    title: 'one model of all classes, and classifiers on its images',
  },
  sizes: {
    id: 'paper-sizes',
    kind: 'dataset-size',
    spec: spec('sizes'),
    title: 'training from scratch on subsets',
  },
  transfer: {
    id: 'paper-transfer',
    kind: 'dataset-size',
    spec: spec('transfer'),
    title: 'continued training on subsets',
  },
  tuning: {
    id: 'paper-tuning',
    kind: 'hyperparameters',
    spec: spec('tuning'),
    title: 'hyperparameters',
  },
} as const satisfies Record<string, Experiment>;

export type ExperimentName = keyof typeof EXPERIMENTS;
