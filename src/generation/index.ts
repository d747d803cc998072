/**
 * The public interface of the generation folder. It loads TensorFlow, so only compute processes and
 * commands import it.
 */
export { type Selection, writeAcceptedSet } from './accepted-set.js';
export { createSampler, type SamplerOptions } from './checkpoint-sampler.js';
export { encodeRawPng, tile } from './image-grid.js';
export {
  GeneratorProbe,
  IDENTITY,
  type InputTransform,
  type ProbedImages,
} from './probe.js';
export { Sampler } from './sampler.js';
export { dataCard, DATA_CARD } from './data-card.js';
export { cardFacts } from './stored-card.js';
export {
  type ShardList,
  type SyntheticManifest,
  shardListSchema,
  syntheticManifestSchema,
  syntheticPrefix,
} from './synthetic-manifest.js';
export { assembleSynthetic, generateShard } from './synthetic-set.js';
export { encodeSynthetic, type SyntheticFormat, syntheticName } from './synthetic-image.js';
export { warmSampler } from './warm-sampler.js';
