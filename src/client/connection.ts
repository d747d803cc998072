/** Connects to Temporal, by its standard environment configuration or to the embedded stack. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { StackError } from '../core/errors.js';

export type { Client };

/** Connects to the server that the environment names. @throws StackError when it is unreachable */
export async function connect(): Promise<Client> {
  const config = loadClientConnectConfig();
  try {
    const connection = await Connection.connect({
      ...config.connectionOptions,
      connectTimeout: '5 seconds',
    });
    return new Client({ connection, namespace: config.namespace ?? 'default' });
  } catch (cause) {
    throw new StackError({
      what: `no Temporal server answers at ${config.connectionOptions.address ?? '127.0.0.1:7233'}`,
      hint: 'Start the embedded one with `gist up`, or correct TEMPORAL_ADDRESS.',
      cause,
    });
  }
}
