/** FreezeD: the first layers of the discriminator are not trained. Mo, Cho and Shin 2020. */
import { SpecError } from '../../core/errors.js';
import { blockResolutions, type NetworkConfig } from '../config.js';

/**
 * Names, without `D.`, of the discriminator's layers that can be frozen, starting at the image:
 * fromrgb, then conv0, conv1 and skip of each block down to 8 px.
 */
function freezableLayers(config: NetworkConfig): string[] {
  const resolutions = blockResolutions(config)
    .filter((resolution) => resolution > 4)
    .reverse();
  return resolutions.flatMap((resolution) => [
    ...(resolution === config.resolution ? [`b${resolution}.fromrgb`] : []),
    ...['conv0', 'conv1', 'skip'].map((layer) => `b${resolution}.${layer}`),
  ]);
}

/**
 * The parameters that are trained when the first `freezed` layers are frozen.
 *
 * @param names of the discriminator's trainable parameters, with the prefix `D.`
 * @throws SpecError when the discriminator has fewer layers
 */
export function withoutFrozen(config: NetworkConfig, names: readonly string[], freezed: number): string[] {
  const layers = freezableLayers(config);
  if (freezed > layers.length) {
    throw new SpecError({
      what: `freezed cannot be ${freezed}: at ${config.resolution} px the discriminator has ${layers.length} layers that can be frozen`,
      where: 'train.freezed',
      hint: `Allowed: 0 to ${layers.length}.`,
    });
  }
  const frozen = layers.slice(0, freezed);
  return names.filter((name) => !frozen.some((layer) => name.startsWith(`D.${layer}.`)));
}
