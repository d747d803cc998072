/**
 * The limit of an official generator's activations, which is not a parameter and cannot be inferred
 * from shapes.
 */
import type { Refuse } from '../nn/formats/torch-tensors.js';

/**
 * The default of StyleGAN3's networks; its trainer sets the clamp only to disable it, with
 * `--fp32`.
 */
export const OFFICIAL_CLAMP = 256;

/**
 * None, `null` here, is the value of a network without a clamp, which differs from an absent value.
 *
 * @param layers values of `conv_clamp` in the synthesis layers; they have precedence over the
 *   arguments of the constructor
 * @param made arguments of the network's constructor
 */
export function officialClamp(layers: ReadonlySet<unknown>, made: unknown, refuse: Refuse): number | null {
  if (layers.size > 1) refuse('clamps its layers in different ways, which no published network does');
  const [clamp] = layers.size > 0 ? layers : given(made);
  if (clamp === undefined) return OFFICIAL_CLAMP;
  if (clamp === null || (typeof clamp === 'number' && clamp > 0)) return clamp;
  return refuse('has a clamp that is not a positive number');
}

/**
 * StyleGAN2-ADA has it among the arguments of the synthesis network, StyleGAN3 among those of the
 * whole.
 */
function given(made: unknown): unknown[] {
  if (!(made instanceof Map)) return [];
  return [made.get('synthesis_kwargs'), made].flatMap((settings: unknown) =>
    settings instanceof Map && settings.has('conv_clamp') ? [settings.get('conv_clamp')] : [],
  );
}
