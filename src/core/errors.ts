/** The errors of GIST: each says what is wrong, where, and how to fix it. */
import type { CauseClass } from './failure-policy.js';

/** What went wrong, in the three parts that every message of GIST has. */
export interface ErrorParts {
  /** What is wrong, in one sentence. Never contains pixels, patient data or secrets. */
  what: string;
  /** Where: a key of the spec, an object key, a file's name inside its source. */
  where?: string;
  /** What the user can do about it. */
  hint?: string;
  cause?: unknown;
}

/** Base of all errors that GIST raises intentionally. */
export abstract class GistError extends Error {
  abstract override readonly name: string;
  /** What can end the failure, and therefore what a run does about it. */
  abstract readonly causeClass: CauseClass;
  /** Exit code of the `gist` command when this error ends it. */
  readonly exitCode: number = 1;
  readonly what: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(parts: ErrorParts) {
    super(formatParts(parts), { cause: parts.cause });
    this.what = parts.what;
    this.where = parts.where;
    this.hint = parts.hint;
  }
}

function formatParts({ what, where, hint }: ErrorParts): string {
  const problem = where ? `${where}: ${what}` : what;
  if (!hint) return problem;
  const text = problem.trimEnd();
  return `${/[.!?:]$/.test(text) ? text : `${text}.`}${text.includes('\n') ? '\n' : ' '}${hint}`;
}

/** A spec that cannot be run: unknown key, wrong type, impossible value, unavailable feature. */
export class SpecError extends GistError {
  override readonly name = 'SpecError';
  override readonly causeClass = 'input';
  override readonly exitCode = 2;
}

/** Wrong use of the command line. */
export class UsageError extends GistError {
  override readonly name = 'UsageError';
  override readonly causeClass = 'input';
  override readonly exitCode = 2;
}

/**
 * A data set that cannot be used as a whole: empty, unlabelled, too few images, too many corrupt
 * ones.
 */
export class DatasetError extends GistError {
  override readonly name = 'DatasetError';
  override readonly causeClass = 'input';
  override readonly exitCode = 3;
}

/** Fewer images than `preprocess.limit` asks for; a source that grows may have them later. */
export class TooFewImagesError extends GistError {
  override readonly name = 'TooFewImagesError';
  override readonly causeClass = 'input';
  override readonly exitCode = 3;
}

/**
 * A folder or archive of images that is not on this machine, or that its user may not read: its
 * disk may not be mounted here, and another worker may have it.
 */
export class SourceMissingError extends GistError {
  override readonly name = 'SourceMissingError';
  override readonly causeClass = 'worker';
  override readonly exitCode = 3;
}

/** One image that cannot be decoded, or must not be (size limits). */
export class ImageError extends GistError {
  override readonly name = 'ImageError';
  override readonly causeClass = 'input';
  override readonly exitCode = 3;
}

/** An archive that is corrupt or hostile: escaping paths, bombs, duplicate or encrypted entries. */
export class ArchiveError extends GistError {
  override readonly name = 'ArchiveError';
  override readonly causeClass = 'input';
  override readonly exitCode = 3;
}

/** A weights or checkpoint file that is corrupt, of another configuration, or hostile. */
export class CheckpointError extends GistError {
  override readonly name = 'CheckpointError';
  override readonly causeClass = 'input';
  override readonly exitCode = 4;
}

/**
 * Checkpoints that a training had written and that are missing or damaged now: it must not start
 * from scratch instead.
 */
export class CheckpointLostError extends GistError {
  override readonly name = 'CheckpointLostError';
  override readonly causeClass = 'lost';
  override readonly exitCode = 4;
}

/** A file that a newer version of GIST has written; a worker of that version can read it. */
export class NewerVersionError extends GistError {
  override readonly name = 'NewerVersionError';
  override readonly causeClass = 'worker';
  override readonly exitCode = 4;
}

/** A newer attempt owns the training; this one must stop and must not write. */
export class StaleAttemptError extends GistError {
  override readonly name = 'StaleAttemptError';
  /**
   * A wrong clock of the server can cause it, since attempts are numbered by time. The server
   * ignores an attempt that is really old.
   */
  override readonly causeClass = 'worker';
  override readonly exitCode = 4;
}

/** Training that cannot continue anywhere: NaN loss, impossible batch. */
export class TrainingError extends GistError {
  override readonly name = 'TrainingError';
  override readonly causeClass = 'input';
  override readonly exitCode = 4;
}

/**
 * The trainer process ended or hung without reporting an error (kill, native crash, out of memory).
 */
export class TrainerCrashError extends GistError {
  override readonly name = 'TrainerCrashError';
  override readonly causeClass = 'worker';
  override readonly exitCode = 4;
}

/** Work that makes no progress although it reports no error. */
export class StalledError extends GistError {
  override readonly name = 'StalledError';
  override readonly causeClass = 'worker';
}

/** The object store has no such object, or the address is malformed. */
export class StoreError extends GistError {
  override readonly name = 'StoreError';
  override readonly causeClass = 'input';
  override readonly exitCode = 5;
}

/**
 * The object store does not serve this machine: wrong, missing or expired credentials, no
 * permission, a wrong clock, no such bucket, a folder that is not mounted or not writable.
 */
export class StoreAccessError extends GistError {
  override readonly name = 'StoreAccessError';
  override readonly causeClass = 'worker';
  override readonly exitCode = 5;
}

/** A transient failure of the object store or disk: network, 5xx, throttling, no space left. */
export class StoreUnavailableError extends GistError {
  override readonly name = 'StoreUnavailableError';
  override readonly causeClass = 'world';
  override readonly exitCode = 5;
}

/** A precondition of a conditional put did not hold: another writer was first. */
export class PreconditionFailedError extends GistError {
  override readonly name = 'PreconditionFailedError';
  override readonly causeClass = 'input';
  override readonly exitCode = 5;
}

/** A server of the embedded stack, or the user's own, cannot be started or reached. */
export class StackError extends GistError {
  override readonly name = 'StackError';
  override readonly causeClass = 'world';
  override readonly exitCode = 6;
}

/**
 * This machine cannot do the work: a part that set-up provides is missing, a folder cannot be
 * written, a device cannot be used.
 */
export class SetupError extends GistError {
  override readonly name = 'SetupError';
  override readonly causeClass = 'worker';
  override readonly exitCode = 7;
}

/** A run that does not exist, has ended, or is in a state that does not allow the request. */
export class RunError extends GistError {
  override readonly name = 'RunError';
  override readonly causeClass = 'input';
  override readonly exitCode = 8;
}

/** An error as it crosses a process boundary. */
export interface WireError {
  name: string;
  what: string;
  where?: string;
  hint?: string;
}

const CLASSES: Record<string, new (parts: ErrorParts) => GistError> = {
  SpecError,
  UsageError,
  DatasetError,
  TooFewImagesError,
  SourceMissingError,
  ImageError,
  ArchiveError,
  CheckpointError,
  CheckpointLostError,
  NewerVersionError,
  StaleAttemptError,
  TrainingError,
  TrainerCrashError,
  StalledError,
  StoreError,
  StoreAccessError,
  StoreUnavailableError,
  PreconditionFailedError,
  StackError,
  SetupError,
  RunError,
};

/**
 * A defect is sent with its message only: its stack belongs into the log of the process that it
 * happened in.
 */
export function wireError(error: unknown): WireError {
  if (error instanceof GistError)
    return { name: error.name, what: error.what, where: error.where, hint: error.hint };
  return { name: 'Error', what: messageWithoutPaths(error) };
}

/** The message of a system error quotes the path of a file, which may be named after a patient. */
export function messageWithoutPaths(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  return code !== undefined && path !== undefined ? `system error ${code}` : error.message;
}

/** The error behind a record of {@link wireError}, of the same class. */
export function reviveError({ name, ...parts }: WireError): Error {
  const Class = CLASSES[name];
  return Class ? new Class(parts) : new Error(parts.what);
}
