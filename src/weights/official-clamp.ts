/**
 * The clamp of an official generator's activations, which is not a parameter and cannot be inferred
 * from shapes.
 */
import type { Refuse } from '../nn/formats/torch-tensors.js';

/**
 * The default of StyleGAN3's networks; its trainer sets the clamp only to disable it, with
 * `--fp32`.
 */
export const OFFICIAL_CLAMP = 256;

/**
 * Python's None, `null` here, means no clamp. It is not the same as an absent value.
 *
 * @param layers values of `conv_clamp` in the synthesis layers; they have precedence over the
 *   arguments of the constructor
 * @param initArguments arguments of the network's constructor
 */
export function officialClamp(
  layers: ReadonlySet<unknown>,
  initArguments: unknown,
  refuse: Refuse,
): number | null {
  if (layers.size > 1) refuse('clamps its layers in different ways, which no published network does');
  const [clamp] = layers.size > 0 ? layers : clampArgument(initArguments);
  if (clamp === undefined) return OFFICIAL_CLAMP;
  if (clamp === null || (typeof clamp === 'number' && clamp > 0)) return clamp;
  return refuse('has a clamp that is not a positive number');
}

/**
 * The value of `conv_clamp`: in StyleGAN2-ADA an argument of the synthesis network, in StyleGAN3 of
 * the generator.
 */
function clampArgument(initArguments: unknown): unknown[] {
  if (!(initArguments instanceof Map)) return [];
  return [initArguments.get('synthesis_kwargs'), initArguments].flatMap((settings: unknown) =>
    settings instanceof Map && settings.has('conv_clamp') ? [settings.get('conv_clamp')] : [],
  );
}
