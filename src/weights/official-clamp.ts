/** What an official generator keeps its activations within: no parameter, so no shape tells it. */
import type { Refuse } from '../nn/formats/torch-tensors.js';

/** Of StyleGAN3's networks where nothing else is said; its trainer names the clamp only to switch it off, with `--fp32`. */
export const OFFICIAL_CLAMP = 256;

/**
 * None, `null` here, is what a network without a clamp says: it is something else than silence.
 *
 * @param layers what the synthesis layers hold as `conv_clamp`, those that hold any; what they compute with counts before what they
 *   were once made with
 * @param made what the network was made with
 */
export function officialClamp(layers: ReadonlySet<unknown>, made: unknown, refuse: Refuse): number | null {
  if (layers.size > 1) refuse('clamps its layers in different ways, which no published network does');
  const [clamp] = layers.size > 0 ? layers : given(made);
  if (clamp === undefined) return OFFICIAL_CLAMP;
  if (clamp === null || (typeof clamp === 'number' && clamp > 0)) return clamp;
  return refuse('has a clamp that is no positive number');
}

/** StyleGAN2-ADA has it among the settings of the synthesis network, StyleGAN3 among those of the whole. */
function given(made: unknown): unknown[] {
  if (!(made instanceof Map)) return [];
  return [made.get('synthesis_kwargs'), made].flatMap((settings: unknown) =>
    settings instanceof Map && settings.has('conv_clamp') ? [settings.get('conv_clamp')] : [],
  );
}
