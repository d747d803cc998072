/** The public interface of the weights folder; it loads TensorFlow, which the networks need. */
export { encodeWeights } from './export.js';
export { type ReadWeights, readWeights, writeWeights } from './import.js';
export { openWeights, type SourceWeights, WEIGHTS_PREFIX } from './source.js';
export { NETWORKS, type NetworkName } from './network-weights.js';
