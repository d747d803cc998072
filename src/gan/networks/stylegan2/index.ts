/** StyleGAN2 as a network family. */
import { styleLayers } from '../../config.js';
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from './discriminator.js';
import { applyMapping, generatorMapping, mappingSpecs } from './mapping.js';
import { applySynthesis, synthesisSpecs } from './synthesis.js';

export const stylegan2: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(generatorMapping(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: () => ['mapping.w_avg'],
  styles: styleLayers,
  mapping: (config, generator, z, labels) => applyMapping(generator, generatorMapping(config), z, labels),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
