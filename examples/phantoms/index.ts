/** Public interface of the phantom generator. */
export { DEFAULT_CLASSES, type PhantomOptions, type PhantomSet, writePhantoms } from './write-phantoms.js';
