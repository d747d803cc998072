/**
 * Which of several equivalent forms of an operation is computed: the one that the device runs
 * fastest.
 */
import { environment } from '../../core/environment.js';
import { usesGpu } from '../tensorflow.js';

/**
 * `cpu`: the least work, and matrix products in place of the library's slow kernels (measured:
 * docs/decisions/compiled-step.md). `gpu`: plain convolutions, which GPUs are made for.
 */
export type DeviceForm = 'cpu' | 'gpu';

let chosen: DeviceForm | null = null;

/**
 * That of the device which the library computes on, unless {@link withDeviceForm} says otherwise.
 */
export function deviceForm(): DeviceForm {
  return chosen ?? (usesGpu() ? 'gpu' : 'cpu');
}

/**
 * Runs `body`, gradients that it takes included, in one form wherever it runs: to compare the two.
 */
export function withDeviceForm<Result>(form: DeviceForm, body: () => Result): Result {
  const before = chosen;
  chosen = form;
  try {
    return body();
  } finally {
    chosen = before;
  }
}

/**
 * How resampling filters are computed.
 *
 * - `phases`: one depthwise convolution a phase, without zeros between samples; fastest on a CPU.
 * - `convolution`: zeros between samples, then depthwise convolutions.
 * - `matrices`: a product with a banded matrix along each axis; fastest on a GPU
 *   (docs/decisions/mixed-precision.md).
 * - `slices`: a sum of shifted images, for XLA to fuse.
 */
export const FILTER_FORMS = ['phases', 'convolution', 'matrices', 'slices'] as const;
export type FilterForm = (typeof FILTER_FORMS)[number];

let chosenFilter: FilterForm | null = null;

/**
 * That of the device, unless {@link withFilterForm} or GIST_FILTER_FORM (for measurements) names
 * another.
 */
export function filterForm(): FilterForm {
  if (chosenFilter) return chosenFilter;
  const named = FILTER_FORMS.find((form) => form === environment.filterForm());
  return named ?? (deviceForm() === 'gpu' ? 'matrices' : 'phases');
}

/** Runs `body`, gradients that it takes included, with filters of one form. */
export function withFilterForm<Result>(form: FilterForm, body: () => Result): Result {
  const before = chosenFilter;
  chosenFilter = form;
  try {
    return body();
  } finally {
    chosenFilter = before;
  }
}
