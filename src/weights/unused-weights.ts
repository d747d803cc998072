/** Describes the tensors of a transfer's source that the training does not use. */
import type { NetworkName } from './network-weights.js';

/** Number of blocks that a note names; further ones are counted. */
const BLOCKS_NAMED = 4;

export class UnusedWeights {
  /** Networks by the description of their unused tensors, which is often equal for G and G_ema. */
  private readonly networks = new Map<string, NetworkName[]>();

  add(network: NetworkName, tensors: readonly string[]): void {
    if (tensors.length === 0) return;
    const blocks = [...new Set(tensors.map(blockOf))];
    const named = blocks.slice(0, BLOCKS_NAMED).join(', ');
    const more = blocks.length > BLOCKS_NAMED ? ` and ${blocks.length - BLOCKS_NAMED} more` : '';
    const what = `${tensors.length} of the source's tensors are not used (${named}${more})`;
    this.networks.set(what, [...(this.networks.get(what) ?? []), network]);
  }

  notes(): string[] {
    return [...this.networks].map(([what, networks]) => `${networks.join(', ')}: ${what}`);
  }
}

/** `synthesis.b16.conv1.weight` is part of synthesis.b16, `b16.conv1.weight` of b16. */
function blockOf(tensor: string): string {
  const parts = tensor.split('.');
  return parts.slice(0, /^(synthesis|mapping)$/.test(parts[0] ?? '') ? 2 : 1).join('.');
}
