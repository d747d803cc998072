/** Must be imported first: sets TensorFlow to two threads on any machine. */
import { fixThreads } from '../../src/nn/threads.js';

fixThreads(2);
