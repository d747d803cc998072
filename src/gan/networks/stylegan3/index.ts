/** StyleGAN3 as two network families: -t, equivariant to translation, and -r, to rotation too. */
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from '../stylegan2/discriminator.js';
import { applyMapping, generatorMapping, mappingSpecs } from '../stylegan2/mapping.js';
import { LAYERS } from './schedule.js';
import { applySynthesis, magnitudeNames, synthesisSpecs } from './synthesis.js';

/** Configurations differ in `cfg` alone, which decides kernels and filters. The discriminator is StyleGAN2's. */
export const stylegan3: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(generatorMapping(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: (config) => ['mapping.w_avg', ...magnitudeNames(config)],
  // The input's, the layers' and toRGB's.
  styles: () => LAYERS + 2,
  mapping: (config, generator, z, labels) => applyMapping(generator, generatorMapping(config), z, labels),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
