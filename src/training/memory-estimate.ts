/**
 * Estimates, from the sizes of its networks, how much memory a training needs and which batch would
 * fit.
 */
import type { NetworkConfig } from '../gan/config.js';
import type { TrainingOptions } from '../gan/loss/options.js';
import { availableMemory, type MemoryPlan } from './memory.js';
import type { ParameterSpecs } from '../gan/networks/parameters.js';
import { networkOf } from '../gan/networks/registry.js';
import { BASE_BYTES, bytesPerImage, COPIES_OF_PARAMETERS, FLOAT_BYTES, USABLE } from './needed-memory.js';

/** @param availableBytes null where that is unknown; by default what this machine has */
export function planMemory(
  config: NetworkConfig,
  { batch, batchGpu }: Pick<TrainingOptions, 'batch' | 'batchGpu'>,
  availableBytes: number | null = availableMemory(),
): MemoryPlan {
  const fixed = BASE_BYTES + COPIES_OF_PARAMETERS * FLOAT_BYTES * parameters(config);
  const perImage = bytesPerImage(config);
  const neededBytes = fixed + perImage * batchGpu;
  if (availableBytes === null) return { batch, batchGpu, neededBytes, availableBytes, fits: batch };
  const room = Math.floor((USABLE * availableBytes - fixed) / perImage);
  const fits = Math.max(0, room - (room % 2));
  return { batch, batchGpu, neededBytes, availableBytes, fits };
}

function parameters(config: NetworkConfig): number {
  const network = networkOf(config);
  const size = (specs: ParameterSpecs) =>
    Object.values(specs).reduce(
      (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
      0,
    );
  return size(network.generatorSpecs(config)) + size(network.discriminatorSpecs(config));
}
