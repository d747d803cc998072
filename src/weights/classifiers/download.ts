/**
 * Downloads files of weights over HTTP, through the proxy that the environment names. A download
 * that breaks off resumes where it was.
 */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fetch, type Response } from 'undici';
import { StoreUnavailableError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import { proxyAgent } from './proxy-agent.js';

/** No published file of a supported network is as large. */
const MAX_BYTES = 2e9;
/** Requests in a row that may bring nothing new. */
const FRUITLESS = 4;
const FIRST_WAIT_MS = 500;

/** What is written of a file, and what identifies the file on its server. */
interface Written {
  bytes: number;
  total?: number;
  /** A strong ETag or a date (RFC 9110, section 13.1.5); null: the rest may be of another file. */
  validator: string | null;
}

/**
 * Writes a file while it arrives, so that memory does not hold it. An incomplete one is removed.
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are honored in either case.
 *
 * @param file path that is written; it must not exist
 * @throws StoreUnavailableError when the server does not deliver the whole file
 */
export async function download(address: string, file: string, onProgress: OnProgress): Promise<void> {
  const agent = proxyAgent();
  const written: Written = { bytes: 0, validator: null };
  const request = (headers: Record<string, string>) =>
    fetch(address, { dispatcher: agent, headers: { 'accept-encoding': 'identity', ...headers } });
  try {
    for (let fruitless = 0; ; ) {
      const before = written.bytes;
      try {
        await receive(await answerOf(address, written, request), { address, file, written }, onProgress);
        return;
      } catch (error) {
        if (!(error instanceof BrokenOff)) throw error;
        fruitless = written.bytes > before ? 0 : fruitless + 1;
        if (written.validator === null || fruitless === FRUITLESS)
          refuse(address, `broke off after ${written.bytes} bytes`, error.cause);
        await delay(FIRST_WAIT_MS * 2 ** fruitless);
      }
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await agent.destroy();
  }
}

/** The connection ended before the file did. */
class BrokenOff extends Error {}

/** Asks for the rest of a file that has not changed meanwhile, or for all of it. */
async function answerOf(
  address: string,
  written: Written,
  request: (headers: Record<string, string>) => Promise<Response>,
): Promise<Response> {
  const { bytes, validator } = written;
  const isRest = bytes > 0 && validator !== null;
  let response: Response;
  try {
    response = await request(isRest ? { range: `bytes=${bytes}-`, 'if-range': validator } : {});
  } catch (cause) {
    if (isRest) throw new BrokenOff('no connection', { cause });
    return refuse(address, 'failed: the server cannot be reached', cause);
  }
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (response.status === 206 && Number(start) === bytes) return response;
  // The file has changed, or the server sends whole files only.
  written.bytes = 0;
  if (response.status === 200) return response;
  if (isRest && response.status >= 500) {
    await response.body?.cancel();
    written.bytes = bytes;
    throw new BrokenOff(`the server answers ${response.status}`);
  }
  return refuse(address, `failed: the server answers ${response.status}`);
}

async function receive(
  response: Response,
  { address, file, written }: { address: string; file: string; written: Written },
  onProgress: OnProgress,
): Promise<void> {
  if (written.bytes === 0) Object.assign(written, describe(response));
  const { total } = written;
  if (total !== undefined && total > MAX_BYTES) refuse(address, 'is refused: the file is larger than 2 GB');
  const out = createWriteStream(
    file,
    written.bytes === 0 ? { flags: 'w' } : { flags: 'r+', start: written.bytes },
  );
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of response.body ?? []) {
      if (written.bytes + chunk.byteLength > MAX_BYTES)
        refuse(address, 'is refused: the file is larger than 2 GB');
      yield chunk;
      // It was taken by the file when the next one is asked for.
      written.bytes += chunk.byteLength;
      onProgress({ done: written.bytes, unit: 'bytes', ...(total !== undefined && { total }) });
    }
  }
  try {
    await pipeline(Readable.from(counted()), out);
  } catch (cause) {
    if (cause instanceof StoreUnavailableError) throw cause;
    throw new BrokenOff('the connection ended', { cause });
  }
  if (total !== undefined && written.bytes !== total) throw new BrokenOff('the connection ended');
}

function describe({ headers }: Response): Omit<Written, 'bytes'> {
  // Of a compressed answer, the length is that before decompression, and ranges are of other bytes.
  const isPlain = headers.get('content-encoding') === null;
  const total = (isPlain && Number(headers.get('content-length'))) || undefined;
  const etag = headers.get('etag');
  const isStrong = etag !== null && !etag.startsWith('W/');
  const validator = isStrong ? etag : headers.get('last-modified');
  return { ...(total !== undefined && { total }), validator: isPlain ? validator : null };
}

function refuse(where: string, what: string, cause?: unknown): never {
  throw new StoreUnavailableError({
    what: `the download ${what}`,
    where,
    hint: 'Try again; or download the file by other means and give it to `gist weights import`. GIST_WEIGHTS_URL names a mirror.',
    ...(cause !== undefined && { cause }),
  });
}
