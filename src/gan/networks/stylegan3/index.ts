/** StyleGAN3 as two network families: -t, equivariant to translation, and -r, to rotation too. */
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from '../shared/discriminator.js';
import { applyMapping, generatorMapping, mappingSpecs } from '../shared/mapping.js';
import { LAYERS } from './layer-plans.js';
import { applySynthesis, magnitudeNames, synthesisSpecs } from './synthesis.js';

/** Both families; `cfg` determines kernels and filters. */
export const stylegan3: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(generatorMapping(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: (config) => ['mapping.w_avg', ...magnitudeNames(config)],
  // One for the input, one for each layer, one for toRGB.
  styles: () => LAYERS + 2,
  mapping: (config, generator, inputs) => applyMapping(generator, generatorMapping(config), inputs),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
