/** Descriptions of the metrics that ask the generator for images. */
import type { MetricDescriptor } from './metric-descriptor.js';

/** Metrics of the generator itself, on features of its images. */
export const PATH_METRICS = {
  ppl: {
    title: 'path length in features',
    isDistance: false,
    pairs: ['generator'],
    values: [''],
    explanations: {
      generator: {
        title: 'Path length',
        text: 'How much images change between neighboring styles, in features of this network. Lower is smoother. It is not the published perceptual path length (ppl2_wend), which needs LPIPS.',
        digits: 2,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;

const DECIBELS = 'In decibels: 60 is a difference that no eye sees, 20 a clear one. Higher is better.';

/** How exactly images follow a moved or rotated input; of StyleGAN3 only. */
export const EQUIVARIANCE_METRICS = {
  eqt50k_int: {
    title: 'EQ-T',
    isDistance: false,
    pairs: ['generator'],
    values: [''],
    explanations: {
      generator: {
        title: 'Equivariance to translation (EQ-T)',
        text: `How exactly images move with the generator's input, by whole pixels. ${DECIBELS}`,
        digits: 1,
      },
    },
  },
  eqt50k_frac: {
    title: 'EQ-T_frac',
    isDistance: false,
    pairs: ['generator'],
    values: [''],
    explanations: {
      generator: {
        title: 'Equivariance to translation by parts of pixels (EQ-T_frac)',
        text: `The same by any distance. ${DECIBELS}`,
        digits: 1,
      },
    },
  },
  eqr: {
    title: 'EQ-R',
    isDistance: false,
    pairs: ['generator'],
    values: [''],
    explanations: {
      generator: {
        title: 'Equivariance to rotation (EQ-R)',
        text: `How exactly images turn with the generator's input. Images are turned by Lanczos interpolation instead of the filters of eqr50k, so compare only values of GIST. ${DECIBELS}`,
        digits: 1,
      },
    },
  },
} as const satisfies Record<string, MetricDescriptor>;
