/** Multipart uploads: parts of a stream or file are sent with a few requests in flight. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { PutBody } from './object-store.js';

/** Size of the first parts. S3 requires at least 5 MiB for all parts except the last. */
const PART_BYTES = 8 * 2 ** 20;
/**
 * S3 allows 10,000 parts. The part size grows by {@link PART_BYTES} after this many parts, so that
 * a stream of unknown length may have up to 440 GB.
 */
const PARTS_PER_SIZE = 1000;
const MAX_PARTS_IN_FLIGHT = 3;

/** Parameters that all requests of one put share. */
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

/** Splits a body into the parts to upload. Memory holds one part at a time. */
export async function* splitBody(body: PutBody): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    for (let part = 0, offset = 0; offset < body.byteLength || part === 0; offset += partBytes(part++)) {
      yield body.subarray(offset, offset + partBytes(part));
    }
    return;
  }
  let part = 0;
  let buffered: Uint8Array[] = [];
  let bufferedBytes = 0;
  const source = body instanceof Readable ? body : createReadStream(body.file, { highWaterMark: 1 << 20 });
  for await (const chunk of source) {
    let rest: Uint8Array = chunk as Uint8Array;
    while (bufferedBytes + rest.byteLength >= partBytes(part)) {
      const missing = partBytes(part) - bufferedBytes;
      yield Buffer.concat([...buffered, rest.subarray(0, missing)]);
      part++;
      rest = rest.subarray(missing);
      buffered = [];
      bufferedBytes = 0;
    }
    if (rest.byteLength > 0) buffered.push(rest);
    bufferedBytes += rest.byteLength;
  }
  if (bufferedBytes > 0 || part === 0) yield Buffer.concat(buffered);
}

function partBytes(part: number): number {
  return PART_BYTES * (1 + Math.floor(part / PARTS_PER_SIZE));
}

/**
 * Uploads parts as one object. On failure the upload is aborted, so that the server does not store
 * (and bill) incomplete uploads.
 *
 * @returns ETag and length of the object.
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
    // The first error is reported. If the abort fails too, the server has usually lost the upload.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

/** Aborts uploads that were neither completed nor aborted; the server stores their parts. */
export async function abortMultiparts(
  client: S3Client,
  target: { Bucket: string; Prefix: string },
  isAbandoned: (key: string) => boolean,
): Promise<void> {
  let markers: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
  while (markers) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({ ...target, ...markers }),
    );
    for (const { Key, UploadId } of page.Uploads ?? []) {
      if (Key === undefined || !Key.startsWith(target.Prefix) || !isAbandoned(Key)) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket: target.Bucket, Key, UploadId }));
    }
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    markers = page.IsTruncated && KeyMarker ? { KeyMarker, UploadIdMarker } : null;
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
      if (inFlight.size >= MAX_PARTS_IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
  }
  return { parts, bytes };
}
