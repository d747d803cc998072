/**
 * Must be imported first: limits TensorFlow to one thread, the fastest for many steps of tiny
 * networks.
 */
import { fixThreads } from '../../src/nn/threads.js';

fixThreads(1);
