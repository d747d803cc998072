/** How a training optimises: rates, intervals and weights of the published procedure, resolved from what a user says. */
import type { AugmentationOptions } from '../augment/options.js';
import type { NetworkConfig } from '../config.js';
import type { BlurOptions } from './blur.js';

/** What a user may say; `auto` is the published heuristic. */
export interface TrainingSettings {
  /** Images a step, 2 or more. */
  batch: number;
  gamma: number | 'auto';
  glr: number | 'auto';
  dlr: number | 'auto';
  emaKimg: number | 'auto';
  /** Decides the initial weights. */
  seed: number;
  /** Layers of the discriminator that are not trained. Default: 0. */
  freezed?: number;
  /** Images in memory at once, a divisor of the batch; auto: the batch. */
  batchGpu?: number | 'auto';
  /** What the training starts from; null: from nothing. */
  resume?: string | null;
}

/** Everything that {@link buildTrainingProgram} and the loop around it need to know of the optimisation. */
export interface TrainingOptions {
  readonly batch: number;
  /** Images in memory at once; the batch is worked off in rounds of so many. */
  readonly batchGpu: number;
  /** Weight of the R1 penalty. */
  readonly gamma: number;
  /** Learning rates, before the correction for lazy regularisation. */
  readonly glr: number;
  readonly dlr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Half-life of the weight average, in kimg. */
  readonly emaKimg: number;
  /** The half-life is at most this fraction of the images shown before the step; null: it is what it is from the first. */
  readonly emaRampup: number | null;
  /** Steps between two of the lazy regularisation of the discriminator (R1) and of the generator (path length). */
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
  /** What the discriminator's images undergo; null: nothing. */
  readonly augmentation: AugmentationOptions | null;
  /** Layers of the discriminator that are not trained. */
  readonly freezed: number;
  /** Blur of what the discriminator sees at first; null: none. */
  readonly blur: BlurOptions | null;
  /** Decay of the running magnitudes of StyleGAN3's activations. */
  readonly magnitudeDecay: number;
  readonly seed: number;
}

/**
 * The options that settings amount to.
 *
 * Karras et al. 2020 (StyleGAN2), appendix B, and Karras et al. 2020 (ADA), appendix C: Adam with beta1 0, beta2 0.99; learning
 * rate 0.002; R1 weight 0.0002 * resolution^2 / batch; half-life of the weight average batch * 10 / 32 kimg.
 *
 * Karras et al. 2021 (StyleGAN3), appendix D: G's learning rate 0.0025, neither path length nor style mixing; magnitudes with a
 * half-life of 20 kimg; for -r, a blur of 10 pixels that fades over batch * 200 / 32 kimg.
 *
 * Where a training starts from another there is neither blur nor ramp-up of the average: the average is good already, and a short
 * half-life would replace it within a step by the weights that are trained.
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
