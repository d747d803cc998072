/** StyleGAN2 as a network family. */
import { styleLayers } from '../../config.js';
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from '../shared/discriminator.js';
import { applyMapping, generatorMapping, mappingSpecs } from '../shared/mapping.js';
import { applySynthesis, synthesisSpecs } from './synthesis.js';

export const stylegan2: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(generatorMapping(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: () => ['mapping.w_avg'],
  styles: styleLayers,
  mapping: (config, generator, inputs) => applyMapping(generator, generatorMapping(config), inputs),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
