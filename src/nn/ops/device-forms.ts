/** Which form of an operation is computed where it has two of equal value: the one that a CPU, or a GPU, runs faster. */
import { usesGpu } from '../tensorflow.js';

/**
 * `cpu`: the least work, and matrix products in place of the library's slow kernels (measured: docs/decisions/compiled-step.md).
 * `gpu`: plain convolutions, which GPUs are made for.
 */
export type DeviceForm = 'cpu' | 'gpu';

let chosen: DeviceForm | null = null;

/** That of the device which the library computes on, unless {@link withDeviceForm} says otherwise. */
export function deviceForm(): DeviceForm {
  return chosen ?? (usesGpu() ? 'gpu' : 'cpu');
}

/** Runs `body`, gradients that it takes included, in one form wherever it runs: to compare the two. */
export function withDeviceForm<Result>(form: DeviceForm, body: () => Result): Result {
  const before = chosen;
  chosen = form;
  try {
    return body();
  } finally {
    chosen = before;
  }
}
