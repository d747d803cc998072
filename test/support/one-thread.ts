/** Imported first: TensorFlow, when it is loaded, keeps to one thread; for many steps of tiny networks that is fastest. */
import { fixThreads } from '../../src/nn/threads.js';

fixThreads(1);
