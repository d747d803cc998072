/**
 * Cutoffs, sampling rates, sizes and channels of StyleGAN3's layers. Karras et al. 2021, section
 * 3.2 and appendix C.
 */
import type { Channels, NetworkConfig } from '../../config.js';

/** Layers between the Fourier features and toRGB. */
export const LAYERS = 14;
/** Of these, the last two are sampled critically: their cutoff is half their sampling rate. */
const CRITICAL_LAYERS = 2;
const FIRST_CUTOFF = 2;
const FIRST_STOPBAND = 2 ** 2.1;
/** The last stopband, over the last cutoff. */
const LAST_STOPBAND = 2 ** 0.3;
/** Pixels that layers compute beyond the image, on each side. */
const MARGIN = 10;
/** Taps of a filter per unit of its up- or downsampling factor. */
const TAPS_PER_FACTOR = 6;
/** Nonlinearities run at this many times the higher of the sampling rates before and after them. */
const OVERSAMPLING = 2;

/** The signal between two layers. */
export interface Signal {
  channels: number;
  /** Pixels on a side, including the margin. */
  size: number;
  /** Samples per image width. */
  rate: number;
  /** Highest frequency that is kept, in cycles per image width. */
  cutoff: number;
  /** Half of the transition band: from the cutoff to the stopband. */
  halfWidth: number;
}

/** Factor and number of taps of a resampling filter; 1 tap: no filter. */
interface ResamplingFilter {
  factor: number;
  taps: number;
}

export interface LayerPlan {
  /** As state dicts name it: `L3_52_128`, number, size and channels. */
  name: string;
  isToRgb: boolean;
  /** Side of the convolution's kernel. */
  kernel: number;
  source: Signal;
  target: Signal;
  /** Sampling rate of the nonlinearity. */
  rate: number;
  up: ResamplingFilter;
  down: ResamplingFilter;
  /** Whether the downsampling filter is radially symmetric. */
  isRadial: boolean;
  /** Zeros around the convolution's output, counted after upsampling; negative crops. */
  padding: readonly [number, number];
}

/**
 * Geometric progression from the first signal's value to the value of the first critically sampled
 * one, which is the last.
 */
function geometric(first: number, last: number, i: number): number {
  return first * (last / first) ** Math.min(i / (LAYERS - CRITICAL_LAYERS), 1);
}

/** Highest frequency of signal `i`. */
function cutoffOf(i: number, resolution: number): number {
  return geometric(FIRST_CUTOFF, resolution / 2, i);
}

/** Channels of signal `i`, except for the image. */
export function signalChannels({ cbase, cmax }: Channels, resolution: number, i: number): number {
  return roundHalfToEven(Math.min(cbase / 2 / cutoffOf(i, resolution), cmax));
}

/** Signal 0 comes from the input and signal i from layer i - 1. The last one is the image. */
export function signals(config: NetworkConfig): Signal[] {
  const { resolution, channels } = config;
  const lastCutoff = resolution / 2;
  return Array.from({ length: LAYERS + 1 }, (_, i) => {
    const cutoff = cutoffOf(i, resolution);
    const stopband = geometric(FIRST_STOPBAND, lastCutoff * LAST_STOPBAND, i);
    const rate = 2 ** Math.ceil(Math.log2(Math.min(stopband * 2, resolution)));
    return {
      channels: i === LAYERS ? channels : signalChannels(config, resolution, i),
      size: i >= LAYERS - 1 ? resolution : rate + 2 * MARGIN,
      rate,
      cutoff,
      halfWidth: Math.max(stopband, rate / 2) - cutoff,
    };
  });
}

/** Every layer, toRGB last. */
export function layerPlans(config: NetworkConfig): LayerPlan[] {
  const all = signals(config);
  return all.map((target, i) => planLayer(config, i, all[Math.max(i - 1, 0)] as Signal, target));
}

function planLayer({ cfg }: NetworkConfig, i: number, source: Signal, target: Signal): LayerPlan {
  const isToRgb = i === LAYERS;
  const isRotational = cfg === 'stylegan3-r';
  const kernel = isToRgb || isRotational ? 1 : 3;
  const rate = Math.max(source.rate, target.rate) * (isToRgb ? 1 : OVERSAMPLING);
  const up = resamplingFilter(rate / source.rate, isToRgb);
  const down = resamplingFilter(rate / target.rate, isToRgb);
  const total =
    (target.size - 1) * down.factor + 1 - (source.size + kernel - 1) * up.factor + up.taps + down.taps - 2;
  // Rounded so that the image does not shift with the sampling rate.
  const before = Math.floor((total + up.factor) / 2);
  return {
    name: `L${i}_${target.size}_${target.channels}`,
    isToRgb,
    kernel,
    source,
    target,
    rate,
    up,
    down,
    isRadial: isRotational && i < LAYERS - CRITICAL_LAYERS && down.taps > 1,
    padding: [before, total - before],
  };
}

function resamplingFilter(ratio: number, isToRgb: boolean): ResamplingFilter {
  const factor = Math.round(ratio);
  return { factor, taps: factor > 1 && !isToRgb ? TAPS_PER_FACTOR * factor : 1 };
}

/** Rounding of the published networks: 2.5 becomes 2. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
