/** Every workflow type that a worker offers, under the name by which it is started. */
export { datasetSizeSweep } from './dataset-size-sweep.js';
export { gistPipeline } from './gist-pipeline.js';
export { hyperparameterSweep } from './hyperparameter-sweep.js';
export { processShards } from './process-shards.js';
export { trainUntilConverged } from './train-until-converged.js';
