/** A process that computes something small on the device, and says what is wrong when it cannot. */
import { Worker } from 'node:worker_threads';
import { environment } from '../core/environment.js';
import { SetupError, wireError } from '../core/errors.js';
import { ignoreStopSignals, startService } from '../core/process-start.js';
import { setDeviceEnvironment } from '../nn/device-environment.js';

async function check(): Promise<void> {
  setDeviceEnvironment();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const { tf, requireGpu } = await import('../nn/tensorflow.js');
  requireGpu();
  const image = tf.ones([1, 8, 8, 4]) as Parameters<typeof tf.conv2d>[0];
  const kernel = tf.ones([3, 3, 4, 4]) as Parameters<typeof tf.conv2d>[1];
  const sum = computed(() => tf.sum(tf.conv2d(image, kernel, 1, 'valid')).dataSync()[0]);
  if (sum !== 5184) throw unusable(`a convolution gives ${sum} instead of 5184`);
}

/** Kernels that are missing for a card show when one runs. */
function computed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error));
  }
}

function unusable(reason: string): SetupError {
  return new SetupError({
    what: `the device cannot compute: ${reason}`,
    where: `GIST_TENSORFLOW=${environment.tensorflow()}`,
    hint: 'Run `gist doctor`; the library supports cards of compute capability 6.0 and later.',
  });
}

/** A check that hangs in native code runs no event handlers, and would keep the device. */
function endWithParent(): void {
  const code = `const parent = process.ppid;
    setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);`;
  new Worker(code, { eval: true }).unref();
}

startService();
endWithParent();
ignoreStopSignals();
check().then(
  () => process.exit(0),
  (error: unknown) => process.send?.(wireError(error), () => process.exit(1)),
);
