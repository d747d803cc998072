/** Threads of TensorFlow, to be set before it is loaded. */

/** Fixed, because the number of threads determines how sums are split, and so the bytes. */
export function fixThreads(threads: number): void {
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  // Two operations at a time keep the CPUs busy during small ones; the result of each operation
  // does not change.
  process.env.TF_NUM_INTEROP_THREADS = String(Math.min(2, threads));
  process.env.OMP_NUM_THREADS = String(threads);
}
