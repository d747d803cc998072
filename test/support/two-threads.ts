/** Imported first: TensorFlow, when it is loaded, takes two threads, however many processors there are. */
import { fixThreads } from '../../src/nn/threads.js';

fixThreads(2);
