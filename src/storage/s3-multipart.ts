/** Uploads larger than one request: parts of a stream or file, a few in flight, completed together or not at all. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { PutBody } from './object-store.js';

/** S3 allows no smaller parts than 5 MiB, save for the last. */
const PART_BYTES = 8 * 2 ** 20;
/** S3 allows 10,000 parts. Every thousand parts the size grows by one step, so that a stream of unknown length fits: 440 GB. */
const PARTS_A_SIZE = 1000;
const PARTS_IN_FLIGHT = 3;

/** What every request of one put has in common. */
export interface PutTarget {
  Bucket: string;
  Key: string;
  ContentType?: string;
  Metadata?: Record<string, string>;
}

export interface PutConditions {
  IfNoneMatch?: string;
  IfMatch?: string;
}

/** Cuts a body into the pieces to upload; memory holds one piece at a time. */
export async function* pieces(body: PutBody): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    for (let part = 0, at = 0; at < body.byteLength || part === 0; at += partBytes(part++)) {
      yield body.subarray(at, at + partBytes(part));
    }
    return;
  }
  let part = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const source = body instanceof Readable ? body : createReadStream(body.file, { highWaterMark: 1 << 20 });
  for await (const chunk of source) {
    let rest: Uint8Array = chunk as Uint8Array;
    while (heldBytes + rest.byteLength >= partBytes(part)) {
      const taken = partBytes(part) - heldBytes;
      yield Buffer.concat([...held, rest.subarray(0, taken)]);
      part++;
      rest = rest.subarray(taken);
      held = [];
      heldBytes = 0;
    }
    if (rest.byteLength > 0) held.push(rest);
    heldBytes += rest.byteLength;
  }
  if (heldBytes > 0 || part === 0) yield Buffer.concat(held);
}

function partBytes(part: number): number {
  return PART_BYTES * (1 + Math.floor(part / PARTS_A_SIZE));
}

/**
 * Uploads pieces as one object. On any failure the parts already sent are given up, so that nothing half-written is paid for.
 *
 * @returns entity tag and length of the object.
 */
export async function uploadMultipart(
  client: S3Client,
  target: PutTarget,
  conditions: PutConditions,
  source: AsyncIterable<Uint8Array>,
): Promise<{ etag: string; bytes: number }> {
  const created = await client.send(
    new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' }),
  );
  const upload = { Bucket: target.Bucket, Key: target.Key, UploadId: created.UploadId };
  try {
    const { parts, bytes } = await uploadParts(client, upload, source);
    const done = await client.send(
      new CompleteMultipartUploadCommand({ ...upload, ...conditions, MultipartUpload: { Parts: parts } }),
    );
    return { etag: done.ETag ?? '', bytes };
  } catch (error) {
    // The first error is the one to tell; a server that lost the upload has nothing left to give up.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

async function uploadParts(
  client: S3Client,
  upload: { Bucket: string; Key: string; UploadId: string | undefined },
  source: AsyncIterable<Uint8Array>,
): Promise<{ parts: CompletedPart[]; bytes: number }> {
  const parts: CompletedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  let bytes = 0;
  let number = 0;
  try {
    for await (const Body of source) {
      const PartNumber = ++number;
      bytes += Body.byteLength;
      const sent = client
        .send(new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: 'SHA256' }))
        .then(({ ETag, ChecksumSHA256 }) => {
          parts[PartNumber - 1] = { PartNumber, ETag, ChecksumSHA256 };
          inFlight.delete(sent);
        });
      inFlight.add(sent);
      if (inFlight.size >= PARTS_IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
  }
  return { parts, bytes };
}
