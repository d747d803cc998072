/** The networks that a spec and a data set define, for either engine. */
import { TrainingError } from '../core/errors.js';
import type { TrainSpec } from '../spec/train.js';
import type { ChosenSpec } from './automatic.js';
import type { ClassShare } from '../generation/classes.js';
import { type NetworkConfig, resolveNetworkConfig } from '../gan/config.js';

/**
 * The classes that training is conditional on, not counted yet; null: it is unconditional.
 *
 * @param names of the data set's classes, in label order
 * @throws TrainingError when the spec needs labels that the data set lacks
 */
export function conditionalClasses(
  cond: TrainSpec['cond'],
  names: readonly string[] | null,
): ClassShare[] | null {
  if (cond === true && names === null) {
    throw new TrainingError({
      what: 'the data set has no classes',
      where: 'train.cond',
      hint: 'Set train.cond to false or auto.',
    });
  }
  return names && cond !== false && names.length > 1 ? names.map((name) => ({ name, images: 0 })) : null;
}

/** @throws SpecError when a size is impossible */
export function specifiedNetwork(
  train: Pick<ChosenSpec, 'cfg' | 'zDim' | 'wDim' | 'mapDepth' | 'cbase' | 'cmax'>,
  data: { resolution: number; channels: number; classes: number },
  clamp: number | null = null,
): NetworkConfig {
  const { cfg, zDim, wDim, mapDepth, cbase, cmax } = train;
  // The generator's layers of -r have 1x1 kernels, and twice the channels in return (Karras et al.
  // 2021, section 4).
  const isRotation = cfg === 'stylegan3-r';
  const wider = isRotation ? 2 : 1;
  return resolveNetworkConfig({
    cfg,
    ...data,
    zDim,
    wDim,
    mapDepth: mapDepth === 'auto' ? (cfg === 'stylegan2' ? 8 : 2) : mapDepth,
    cbase: wider * cbase,
    cmax: wider * cmax,
    clamp,
    ...(isRotation && { discriminator: { cbase, cmax } }),
  });
}
