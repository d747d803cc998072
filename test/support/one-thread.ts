/** Imported first: TensorFlow, which reads this when it is loaded, keeps to one thread; for many steps of tiny networks that is fastest. */
process.env.TF_NUM_INTRAOP_THREADS = '1';
process.env.TF_NUM_INTEROP_THREADS = '1';
process.env.OMP_NUM_THREADS = '1';
