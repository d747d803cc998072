/** Infers cbase and cmax of a StyleGAN from the channels of its layers. */
import type { Channels } from '../gan/config.js';

/**
 * A layer's channels, and its channels as a function of the sizes, which never decreases with
 * cbase.
 */
export interface LayerWidth {
  readonly channels: number;
  readonly at: (sizes: Channels) => number;
}

export interface NetworkWidths {
  /** In order of resolution. */
  readonly layers: readonly LayerWidth[];
  /** Sizes in the file's metadata; null: none. */
  readonly stated: Channels | null;
}

/** The generator's sizes, and the discriminator's where they differ. */
export type BothChannels = Channels & { readonly discriminator?: Channels };

export interface ChannelsQuestion {
  readonly resolution: number;
  readonly generator: NetworkWidths;
  readonly discriminator: NetworkWidths | null;
  /** Whether the generator may have twice the channels of the discriminator, as in -r. */
  readonly mayBeWider: boolean;
}

/** Upper limit of the search. */
const LARGEST = 2 ** 40;

/**
 * Sizes that give every layer its channels: the stated ones if they fit, otherwise one of several
 * choices, because channels are rounded and bounded. If none fit, sizes for the error message.
 */
export function inferChannels(question: ChannelsQuestion): BothChannels {
  const { resolution, generator, discriminator, mayBeWider } = question;
  const factors = mayBeWider ? [1, 2] : [1];
  const stated = statedFor(generator);
  const both = [
    () => (discriminator ? together(stated, statedFor(discriminator)) : stated),
    ...factors.map((factor) => () => discriminator && chosen(question, factor)),
  ];
  // A discriminator that fits no generator is ignored.
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

/** Sizes for a generator `factor` times as wide as the discriminator; null: there are none. */
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
  // The usual choice, where it fits; else the smallest, which fits if any does.
  const round = ((generator.layers.at(-1)?.channels ?? 0) * resolution) / factor;
  const least = leastBase(resolution, (cbase) => layers.every(({ channels, of }) => of(cbase) >= channels));
  const cbase = [round, least].find((cbase) => layers.every(({ channels, of }) => of(cbase) === channels));
  if (cbase === undefined) return null;
  return factor > 1 && discriminator
    ? { ...wide(cbase), discriminator: { cbase, cmax: narrow } }
    : wide(cbase);
}

/** The smallest integer from `first` on that is large enough, by binary search. */
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
