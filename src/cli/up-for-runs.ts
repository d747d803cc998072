/** Starts the stack for commands that work with runs. */
import { embeddedParts } from '../client/stack/parts.js';
import { type PartStatus, type UpOptions, up } from '../client/stack/stack.js';
import { printNotice } from './terminal.js';

/** Like `up`; an embedded Temporal server learns the search attributes of runs. */
export async function upForRuns(options: UpOptions = {}): Promise<PartStatus[]> {
  const parts = await up({ onProgress: printNotice, ...options });
  if (embeddedParts().includes('temporal')) {
    const { connect, registerSearchAttributes } = await import('../client/index.js');
    await registerSearchAttributes(await connect());
  }
  return parts;
}
