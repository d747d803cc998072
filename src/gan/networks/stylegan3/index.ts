/** StyleGAN3 as two network families: -t, equivariant to translation, and -r, to rotation too. */
import type { NetworkConfig } from '../../config.js';
import type { Network } from '../network.js';
import { applyDiscriminator, discriminatorSpecs } from '../stylegan2/discriminator.js';
import { applyMapping, type MappingShape, mappingSpecs } from '../stylegan2/mapping.js';
import { LAYERS } from './schedule.js';
import { applySynthesis, magnitudeNames, synthesisSpecs } from './synthesis.js';

function mappingShape(config: NetworkConfig): MappingShape {
  const { zDim, classes, wDim, mappingLayers } = config;
  return { zDim, classes, wDim, layers: mappingLayers, tracksMean: true };
}

/** Configurations differ in `cfg` alone, which decides kernels and filters. The discriminator is StyleGAN2's. */
export const stylegan3: Network = {
  generatorSpecs: (config) => ({ ...mappingSpecs(mappingShape(config)), ...synthesisSpecs(config) }),
  discriminatorSpecs,
  runningMeans: (config) => ['mapping.w_avg', ...magnitudeNames(config)],
  // The input's, the layers' and toRGB's.
  styles: () => LAYERS + 2,
  mapping: (config, generator, z, labels) => applyMapping(generator, mappingShape(config), z, labels),
  synthesis: applySynthesis,
  discriminator: applyDiscriminator,
};
