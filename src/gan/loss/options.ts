/** Options of the optimization: rates, intervals and weights, resolved from settings. */
import type { AugmentationOptions } from '../augment/options.js';
import type { NetworkConfig } from '../config.js';
import type { BlurOptions } from './blur.js';

/** Settings that a user can choose; `auto` is the published heuristic. */
export interface TrainingSettings {
  /** Images per step, 2 or more. */
  batch: number;
  gamma: number | 'auto';
  glr: number | 'auto';
  dlr: number | 'auto';
  emaKimg: number | 'auto';
  /** Seed of the initial weights and of all random numbers. */
  seed: number;
  /** Layers of the discriminator that are not trained. Default: 0. */
  freezed?: number;
  /** Images in a micro-batch, a divisor of the batch; auto: the batch. */
  batchGpu?: number | 'auto';
  /** Weights that the training starts from; null: random initial weights. */
  resume?: string | null;
}

/** Options of {@link buildTrainingProgram} and of the training loop. */
export interface TrainingOptions {
  readonly batch: number;
  /** Images in a micro-batch: gradients are accumulated over the micro-batches of a batch. */
  readonly batchGpu: number;
  /** Weight of the R1 penalty. */
  readonly gamma: number;
  /** Learning rates, before the correction for lazy regularization. */
  readonly glr: number;
  readonly dlr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Half-life of the weight average, in kimg. */
  readonly emaKimg: number;
  /**
   * The half-life is at most this fraction of the images shown before the step; null: no ramp-up.
   */
  readonly emaRampup: number | null;
  /**
   * Intervals, in steps, of the lazy regularization of the discriminator (R1) and the generator
   * (path length).
   */
  readonly r1Interval: number;
  readonly plInterval: number;
  readonly plWeight: number;
  /** Path lengths are measured on batch / plBatchShrink images. */
  readonly plBatchShrink: number;
  readonly plDecay: number;
  /** Probability that a minibatch mixes two styles. */
  readonly styleMixing: number;
  /** Decay of the running mean of w. */
  readonly wAvgBeta: number;
  /** Augmentation of the discriminator's images; null: none. */
  readonly augmentation: AugmentationOptions | null;
  /** Layers of the discriminator that are not trained. */
  readonly freezed: number;
  /** Blur of the discriminator's images early in the training; null: none. */
  readonly blur: BlurOptions | null;
  /** Decay of the running magnitudes of StyleGAN3's activations. */
  readonly magnitudeDecay: number;
  readonly seed: number;
}

/**
 * Resolves settings to options.
 *
 * Karras et al. 2020 (StyleGAN2), appendix B, and Karras et al. 2020 (ADA), appendix C: Adam with
 * beta1 0, beta2 0.99; learning rate 0.002; R1 weight 0.0002 * resolution^2 / batch; half-life of
 * the weight average batch * 10 / 32 kimg.
 *
 * Karras et al. 2021 (StyleGAN3), appendix D: G's learning rate 0.0025, neither path length
 * regularization nor style mixing; magnitudes with a half-life of 20 kimg; for -r, a blur of 10
 * pixels that fades over batch * 200 / 32 kimg.
 *
 * A training that starts from other weights has neither blur nor ramp-up of the average. The
 * average of the source is good already, and a short half-life would replace it with the trained
 * weights within a step.
 */
export function resolveTrainingOptions(
  config: NetworkConfig,
  settings: TrainingSettings,
  augmentation: AugmentationOptions | null = null,
): TrainingOptions {
  const isStylegan2 = config.cfg === 'stylegan2';
  const { batch, gamma, glr, dlr, emaKimg, seed, freezed = 0, batchGpu = 'auto', resume = null } = settings;
  return {
    batch,
    batchGpu: batchGpu === 'auto' ? batch : batchGpu,
    gamma: gamma === 'auto' ? (0.0002 * config.resolution ** 2) / batch : gamma,
    glr: glr === 'auto' ? (isStylegan2 ? 0.002 : 0.0025) : glr,
    dlr: dlr === 'auto' ? 0.002 : dlr,
    beta1: 0,
    beta2: 0.99,
    epsilon: 1e-8,
    emaKimg: emaKimg === 'auto' ? (batch * 10) / 32 : emaKimg,
    emaRampup: resume ? null : 0.05,
    r1Interval: 16,
    plInterval: isStylegan2 ? 4 : 0,
    plWeight: 2,
    plBatchShrink: 2,
    plDecay: 0.01,
    styleMixing: isStylegan2 ? 0.9 : 0,
    wAvgBeta: 0.998,
    augmentation,
    freezed,
    blur: config.cfg === 'stylegan3-r' && !resume ? { sigma: 10, fadeKimg: (batch * 200) / 32 } : null,
    magnitudeDecay: 0.5 ** (batch / 20_000),
    seed,
  };
}
