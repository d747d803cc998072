/** Downloads files of weights over HTTP, through the proxy that the environment names. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { StoreUnavailableError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';

/** No published file of a supported network is as large. */
const MAX_BYTES = 2e9;

/**
 * Writes a file while it arrives, so that memory does not hold it. An incomplete one is removed.
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are honored in either case.
 *
 * @param file path that is written; it must not exist
 * @throws StoreUnavailableError when the server does not deliver the whole file
 */
export async function download(address: string, file: string, onProgress: OnProgress): Promise<void> {
  const agent = new EnvHttpProxyAgent();
  try {
    await receive(await request(address, agent), { address, file }, onProgress);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await agent.destroy();
  }
}

async function receive(
  response: Response,
  { address, file }: { address: string; file: string },
  onProgress: OnProgress,
): Promise<void> {
  // Of a compressed answer, this is the length before decompression.
  const isPlain = response.headers.get('content-encoding') === null;
  const total = (isPlain && Number(response.headers.get('content-length'))) || undefined;
  if (total !== undefined && total > MAX_BYTES) refuse(address, 'is refused: the file is larger than 2 GB');
  let done = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of response.body ?? []) {
      done += chunk.byteLength;
      if (done > MAX_BYTES) return;
      yield chunk;
      onProgress({ done, unit: 'bytes', ...(total !== undefined && { total }) });
    }
  }
  try {
    await pipeline(Readable.from(counted()), createWriteStream(file, { flags: 'wx' }));
  } catch (cause) {
    refuse(address, 'broke off', cause);
  }
  if (done > MAX_BYTES) refuse(address, 'is refused: the file is larger than 2 GB');
  if (total !== undefined && done !== total) refuse(address, `broke off after ${done} bytes`);
}

async function request(address: string, dispatcher: EnvHttpProxyAgent): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { dispatcher });
  } catch (cause) {
    return refuse(address, 'failed: the server cannot be reached', cause);
  }
  return response.ok ? response : refuse(address, `failed: the server answers ${response.status}`);
}

function refuse(where: string, what: string, cause?: unknown): never {
  throw new StoreUnavailableError({
    what: `the download ${what}`,
    where,
    hint: 'Try again; or download the file by other means and give it to `gist weights import`. GIST_WEIGHTS_URL names a mirror.',
    ...(cause !== undefined && { cause }),
  });
}
