/** A worker's connection to Temporal, made again when API keys or TLS files change. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { StackError } from '../core/errors.js';
import { log } from '../core/log.js';

const RENEWAL_MS = 30_000;

export class TemporalConnection {
  private constructor(
    private native: NativeConnection,
    readonly namespace: string,
    private settings: string,
    private readonly address: string | undefined,
  ) {}

  /** @throws StackError when the server does not answer or refuses this worker */
  static async open(): Promise<TemporalConnection> {
    const { options, namespace, settings } = readSettings();
    try {
      const native = await NativeConnection.connect(options);
      await native.workflowService.describeNamespace({ namespace });
      return new TemporalConnection(native, namespace, settings, options.address);
    } catch (cause) {
      throw connectionError(options.address, namespace, cause);
    }
  }

  get connection(): NativeConnection {
    return this.native;
  }

  /**
   * What ended a worker of this connection: a key that was revoked, a server that is gone.
   *
   * @param cause the worker's own words, used when the server answers; often they name no reason
   */
  async refusalOf(cause: unknown): Promise<StackError> {
    const { namespace } = this;
    const refusal = await this.native.workflowService.describeNamespace({ namespace }).then(
      () => cause,
      (error: unknown) => error,
    );
    return connectionError(this.address, namespace, refusal);
  }

  client(): Client {
    return new Client({ connection: this.native, namespace: this.namespace });
  }

  /** Gives workers a new connection whenever the settings change, until the signal. */
  async keepCurrent(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(RENEWAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await this.renew(workers).catch((error: unknown) => {
        log.warn('new settings of Temporal do not work yet', { error: messageOf(error) });
      });
    }
  }

  close(): Promise<void> {
    return this.native.close();
  }

  private async renew(workers: readonly Worker[]): Promise<void> {
    if (readSettings().settings === this.settings) return;
    const renewed = await TemporalConnection.open();
    const { native: previous } = this;
    for (const worker of workers) worker.connection = renewed.native;
    [this.native, this.settings] = [renewed.native, renewed.settings];
    log.info('connected to Temporal with new settings');
    await previous.close().catch(() => undefined);
  }
}

function readSettings() {
  const { connectionOptions: options, namespace = 'default' } = loadClientConnectConfig();
  return { options, namespace, settings: JSON.stringify(options) };
}

function connectionError(address: string | undefined, namespace: string, cause: unknown): StackError {
  return new StackError({
    what: `Temporal cannot be used (${messageOf(cause)})`,
    where: `${address ?? '127.0.0.1:7233'}, namespace ${namespace}`,
    hint: 'Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and the TLS files.',
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
