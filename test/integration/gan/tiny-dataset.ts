/** stub */
import type { ObjectStore } from '../../../src/storage/index.js';
export async function buildTinyDataset(_store: ObjectStore): Promise<{ prefix: string; digest: string }> {
  return { prefix: 'datasets/tiny/', digest: 'tiny' };
}
