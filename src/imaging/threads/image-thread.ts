/** A thread that hashes files and makes images, one after the other. */
import { readFileSync, statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { sha256 } from '../../storage/digest.js';
import { errorCode } from '../../storage/file-errors.js';
import { DECODING_BYTES, limitDecoding } from '../pixels/decode.js';
import { frameOf } from '../pixels/frame-settings.js';
import { makeImage, makeImageAndThumbnail, thumbnailOrNull } from '../pixels/make-image.js';
import type { ListedFile, Outcome, Reply, Request, Task, TaskResults } from './messages.js';
import { releaseAfter } from './release-memory.js';
import { SharedLimit } from './shared-limit.js';

const port = parentPort;
limitDecoding(new SharedLimit(workerData as SharedArrayBuffer, DECODING_BYTES));

/** Requests are answered in turn: a thread must not wait for memory that it holds itself. */
let last: Promise<void> = Promise.resolve();
port?.on('message', (request: Request) => {
  last = last.then(() => answer(request));
});

async function answer({ id, task }: Request): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, result: await work(task) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    reply = { id, error: { message, code: errorCode(error) } };
  }
  // Buffers that a result does not share with others are moved, not copied.
  const moved = 'result' in reply ? ownBuffers(reply.result) : [];
  port?.postMessage(reply, moved);
}

function ownBuffers(results: TaskResults[Task['kind']]): ArrayBuffer[] {
  const files = results.flatMap((result) => {
    if (typeof result === 'string' || result === null) return [];
    if (result instanceof Uint8Array) return [result];
    return [
      ...('files' in result.made ? result.made.files : []),
      ...(result.thumbnail ? [result.thumbnail] : []),
    ];
  });
  return files
    .filter(({ byteLength, buffer }) => byteLength === buffer.byteLength)
    .map(({ buffer }) => buffer as ArrayBuffer);
}

async function work(task: Task): Promise<TaskResults[Task['kind']]> {
  switch (task.kind) {
    case 'hash':
      return task.paths.map(hashFile);
    case 'make': {
      const { settings, wantsThumbnails } = task;
      return each(task.files, async (bytes, { frame }) =>
        wantsThumbnails
          ? makeImageAndThumbnail(bytes, settings, frame)
          : { made: await makeImage(bytes, settings, { frame }), thumbnail: null },
      );
    }
    case 'look':
      return each(task.files, (bytes, { frame }) => thumbnailOrNull(bytes, frameOf(task.frames, frame)));
  }
}

function hashFile(path: string): Outcome<string> {
  const digest = readable(() => sha256(readFileSync(path)));
  releaseAfter(statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  return digest;
}

async function each<T>(
  files: readonly ListedFile[],
  make: (bytes: Uint8Array, file: ListedFile) => Promise<T>,
): Promise<Outcome<T>[]> {
  const results: Outcome<T>[] = [];
  let last: Outcome<Uint8Array> = 'unreadable';
  for (const [i, file] of files.entries()) {
    const before = files[i - 1];
    // The frames of a file follow each other.
    if (!before || !isSameFile(before, file)) last = readListed(file);
    results.push(typeof last === 'string' ? last : await make(last, file));
    const next = files[i + 1];
    if (next && isSameFile(file, next)) continue;
    last = 'unreadable';
    releaseAfter(file.length);
  }
  return results;
}

function isSameFile({ content: a }: ListedFile, { content: b }: ListedFile): boolean {
  return 'path' in a && 'path' in b ? a.path === b.path : 'bytes' in a && 'bytes' in b && a.bytes === b.bytes;
}

function readListed(file: ListedFile): Outcome<Uint8Array> {
  const bytes = readable(() =>
    'path' in file.content ? readFileSync(file.content.path) : file.content.bytes,
  );
  return bytes === 'unreadable' || isAsListed(bytes, file) ? bytes : 'changed';
}

function isAsListed(bytes: Uint8Array, { length, sha256: expected }: ListedFile): boolean {
  return bytes.byteLength === length && (expected === null || sha256(bytes) === expected);
}

function readable<T>(read: () => T): T | 'unreadable' {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return 'unreadable';
  }
}
