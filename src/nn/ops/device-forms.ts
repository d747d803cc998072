/**
 * Selects one of several equivalent forms of an operation: the one that is fastest on the device.
 */
import { environment } from '../../core/environment.js';
import { usesGpu } from '../tensorflow.js';

/**
 * `cpu`: the fewest operations, and matrix products instead of slow kernels of the library
 * (measured: docs/decisions/compiled-step.md). `gpu`: plain convolutions, which are fast on GPUs.
 */
export type DeviceForm = 'cpu' | 'gpu';

let chosen: DeviceForm | null = null;

/** The form for the device that the library uses, unless {@link withDeviceForm} overrides it. */
export function deviceForm(): DeviceForm {
  return chosen ?? (usesGpu() ? 'gpu' : 'cpu');
}

/** Runs `body`, including the gradients in it, with one form on any device, to compare forms. */
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
 * - `phases`: polyphase filters, one depthwise convolution per phase; fastest on a CPU.
 * - `convolution`: zero insertion, then depthwise convolutions.
 * - `matrices`: a product with a banded matrix along each axis; fastest on a GPU
 *   (docs/decisions/mixed-precision.md).
 * - `slices`: a sum of shifted images, for XLA to fuse.
 */
export const FILTER_FORMS = ['phases', 'convolution', 'matrices', 'slices'] as const;
export type FilterForm = (typeof FILTER_FORMS)[number];

let chosenFilter: FilterForm | null = null;

/**
 * The form for the device, unless {@link withFilterForm} or GIST_FILTER_FORM (for measurements)
 * overrides it.
 */
export function filterForm(): FilterForm {
  if (chosenFilter) return chosenFilter;
  const named = FILTER_FORMS.find((form) => form === environment.filterForm());
  return named ?? (deviceForm() === 'gpu' ? 'matrices' : 'phases');
}

/** Runs `body`, including the gradients in it, with one form of filters. */
export function withFilterForm<Result>(form: FilterForm, body: () => Result): Result {
  const before = chosenFilter;
  chosenFilter = form;
  try {
    return body();
  } finally {
    chosenFilter = before;
  }
}
