/** StyleGAN2 as a network family. */
import { type NetworkConfig, styleLayers } from '../../config.js';
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from './discriminator.js';
import { applyMapping, type MappingShape, mappingSpecs } from './mapping.js';
import { applySynthesis, synthesisSpecs } from './synthesis.js';

function mappingShape(config: NetworkConfig): MappingShape {
  const { zDim, classes, wDim, mappingLayers } = config;
  return { zDim, classes, wDim, layers: mappingLayers, tracksMean: true };
}

export const stylegan2: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(mappingShape(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: () => ['mapping.w_avg'],
  styles: styleLayers,
  mapping: (config, generator, z, labels) => applyMapping(generator, mappingShape(config), z, labels),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
