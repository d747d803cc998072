/** What the main thread and the threads of a pool send each other. */
import type { MadeImage, MakeSettings } from '../pixels/make-image.js';

/** A file of this machine, which the thread reads, or the bytes of any other source. */
export type FileContent = { path: string } | { bytes: Uint8Array };

/** A file, with what it was when it was listed. */
export interface ListedFile {
  content: FileContent;
  /** Length in bytes. */
  length: number;
  /** SHA-256 in hexadecimal digits; null when the listing has none. */
  sha256: string | null;
  /** The frame that is used, of a file of which all are. */
  frame?: number | undefined;
}

export type Task =
  | { kind: 'hash'; paths: string[] }
  | { kind: 'make'; files: ListedFile[]; settings: MakeSettings; wantsThumbnails: boolean }
  | { kind: 'look'; files: ListedFile[]; frames: MakeSettings['dicom']['frames'] };

/**
 * `unreadable`: the thread could not read the file; reading it in the main thread says why.
 * `changed`: it is not what was listed.
 */
export type Outcome<T> = T | 'unreadable' | 'changed';

export interface TaskResults {
  /** SHA-256 in hexadecimal digits. */
  hash: Outcome<string>[];
  make: Outcome<{ made: MadeImage; thumbnail: Uint8Array | null }>[];
  look: Outcome<Uint8Array | null>[];
}

export interface Request {
  id: number;
  task: Task;
}

export type Reply = { id: number } & (
  | { result: TaskResults[Task['kind']] }
  | { error: { message: string; code: string | undefined } }
);
