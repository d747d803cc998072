/** Threads of TensorFlow, to be set before it is loaded. */

export function fixThreads(threads: number): void {
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  // A second operation fills the gaps that small ones leave; what each computes does not depend on
  // it.
  process.env.TF_NUM_INTEROP_THREADS = String(Math.min(2, threads));
  process.env.OMP_NUM_THREADS = String(threads);
}
