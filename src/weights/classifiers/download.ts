/** Downloads files of weights over HTTP. */
import { StoreUnavailableError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';

/** No published file of a supported network is as large. */
const MAX_BYTES = 2e9;

/** @throws StoreUnavailableError when the server does not deliver the whole file */
export async function download(address: string, onProgress: OnProgress): Promise<Uint8Array> {
  const response = await request(address);
  // Of a compressed answer, this is the length before decompression.
  const isPlain = response.headers.get('content-encoding') === null;
  const total = (isPlain && Number(response.headers.get('content-length'))) || undefined;
  if (total !== undefined && total > MAX_BYTES) {
    await response.body?.cancel();
    return refuse(address, 'is refused: the file is larger than 2 GB');
  }
  const chunks: Uint8Array[] = [];
  let done = 0;
  try {
    for await (const chunk of response.body ?? []) {
      done += chunk.byteLength;
      if (done > MAX_BYTES) break;
      chunks.push(chunk);
      onProgress({ done, unit: 'bytes', ...(total !== undefined && { total }) });
    }
  } catch (cause) {
    return refuse(address, 'broke off', cause);
  }
  if (done > MAX_BYTES) return refuse(address, 'is refused: the file is larger than 2 GB');
  if (total !== undefined && done !== total) return refuse(address, `broke off after ${done} bytes`);
  return Buffer.concat(chunks);
}

async function request(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
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
