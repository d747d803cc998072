/** cbase and cmax of a StyleGAN, told from the channels that its layers have. */
import type { Channels } from '../gan/config.js';

/** A layer's channels, and how many it would have with other sizes; more cbase never makes them fewer. */
export interface LayerWidth {
  readonly channels: number;
  readonly at: (sizes: Channels) => number;
}

export interface NetworkWidths {
  /** The one at the highest resolution last. */
  readonly layers: readonly LayerWidth[];
  /** What the file says of itself; null: nothing. */
  readonly stated: Channels | null;
}

/** The generator's sizes, and the discriminator's where they are others. */
export type BothChannels = Channels & { readonly discriminator?: Channels };

export interface ChannelsQuestion {
  readonly resolution: number;
  readonly generator: NetworkWidths;
  readonly discriminator: NetworkWidths | null;
  /** Whether the generator may have twice the channels of the discriminator, as -r has. */
  readonly mayBeWider: boolean;
}

/** No sizes are looked for beyond this. */
const LARGEST = 2 ** 40;

/**
 * Sizes that give every layer the channels that it has: those that are stated if they do, otherwise one choice of the many that
 * may, because channels are rounded and bounded. If none fit, sizes that somebody may compare with the layers.
 */
export function inferChannels(question: ChannelsQuestion): BothChannels {
  const { resolution, generator, discriminator, mayBeWider } = question;
  const factors = mayBeWider ? [1, 2] : [1];
  const stated = statedFor(generator);
  const both = [
    () => (discriminator ? together(stated, statedFor(discriminator)) : stated),
    ...factors.map((factor) => () => discriminator && chosen(question, factor)),
  ];
  // A discriminator that fits no generator is left out of account.
  const alone = [
    () => stated,
    ...factors.toReversed().map((factor) => () => chosen({ ...question, discriminator: null }, factor)),
  ];
  for (const attempt of [...both, ...alone]) {
    const sizes = attempt();
    if (sizes) return sizes;
  }
  const highest = generator.layers.at(-1)?.channels ?? Number.NaN;
  return { cbase: highest * resolution, cmax: widest(generator) };
}

/** null unless they give every layer its channels. */
function statedFor({ layers, stated }: NetworkWidths): Channels | null {
  return stated && layers.every(({ channels, at }) => at(stated) === channels) ? stated : null;
}

function together(own: Channels | null, other: Channels | null): BothChannels | null {
  if (!own || !other) return null;
  const isSame = own.cbase === other.cbase && own.cmax === other.cmax;
  return isSame ? own : { ...own, discriminator: other };
}

/** With a generator `factor` times as wide as the discriminator; null: there are no such sizes. */
function chosen(
  { resolution, generator, discriminator }: ChannelsQuestion,
  factor: number,
): BothChannels | null {
  const cmax = widest(generator);
  const narrow = factor > 1 && discriminator ? widest(discriminator) : cmax;
  const wide = (cbase: number): Channels => ({ cbase: factor * cbase, cmax });
  const layers = [
    ...generator.layers.map(({ channels, at }) => ({ channels, of: (cbase: number) => at(wide(cbase)) })),
    ...(discriminator?.layers ?? []).map(({ channels, at }) => ({
      channels,
      of: (cbase: number) => at({ cbase, cmax: narrow }),
    })),
  ];
  // As people choose it, where it fits; else the least, which fits if any does.
  const round = ((generator.layers.at(-1)?.channels ?? 0) * resolution) / factor;
  const least = leastBase(resolution, (cbase) => layers.every(({ channels, of }) => of(cbase) >= channels));
  const cbase = [round, least].find((cbase) => layers.every(({ channels, of }) => of(cbase) === channels));
  if (cbase === undefined) return null;
  return factor > 1 && discriminator
    ? { ...wide(cbase), discriminator: { cbase, cmax: narrow } }
    : wide(cbase);
}

/** The least whole number from `first` on that is large enough, found by halving. */
function leastBase(first: number, isEnough: (cbase: number) => boolean): number {
  let [low, high] = [first, LARGEST];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function widest({ layers }: NetworkWidths): number {
  return layers.reduce((most, { channels }) => Math.max(most, channels), 0);
}
