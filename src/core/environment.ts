/** The one place that reads the environment: every variable GIST knows, with its default. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDuration } from './duration.js';
import { UsageError } from './errors.js';

const DEFAULT_TASK_QUEUE = 'gist';
const DEFAULT_GPU_TASK_QUEUE = 'gist-gpu';
const DEFAULT_GRACE_MS = 110_000;
/** Written by set-up: the cache folder that the checkout's parts are in. */
const CACHE_RECORD = new URL('../../../node_modules/.gist-cache', import.meta.url);

/** Another `HOME` must not install everything again; undefined where this user cannot read it. */
function setUpCache(): string | undefined {
  try {
    const folder = readFileSync(fileURLToPath(CACHE_RECORD), 'utf8');
    return existsSync(path.join(folder, 'wheels')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

function userCache(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(userHome(), '.cache'), 'gist');
}

/** A user without an entry in the list of users has no home: its folder cannot be made then. */
function userHome(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

/** @throws UsageError: a value that is silently ignored may cost the last checkpoint. */
function positive(name: string): number | undefined {
  const given = process.env[name];
  if (!given) return undefined;
  const value = Number(given);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError({
    what: `"${given}" is not a number above 0`,
    where: name,
    hint: 'Give a number without a unit, or unset the variable.',
  });
}

/** Milliseconds. @throws UsageError */
function time(name: string): number | undefined {
  const given = process.env[name];
  if (!given) return undefined;
  const value = parseDuration(given);
  if (value !== undefined) return value;
  throw new UsageError({
    what: `"${given}" is not a time`,
    where: name,
    hint: 'Give a time with its unit, such as 110s or 2m, or unset the variable.',
  });
}

/** Read at each call, so that a test or a command may set a variable first. */
export const environment = {
  /** Task queue of workflows and bookkeeping; the names of other queues begin with it. */
  taskQueue: (): string => process.env.GIST_TASK_QUEUE ?? DEFAULT_TASK_QUEUE,
  /** Task queue of trainings; the names of other queues for devices begin with it. */
  gpuTaskQueue: (): string => process.env.GIST_GPU_TASK_QUEUE ?? DEFAULT_GPU_TASK_QUEUE,
  /** Address of the object store that runs and data sets live in. */
  storeUri: (): string => process.env.GIST_STORE ?? 's3://gist/',
  /** Programs and libraries that set-up has installed; read only afterwards. */
  cacheFolder: (): string => process.env.GIST_CACHE_DIR || setUpCache() || userCache(),
  /** What runs keep for later ones: training sets, compiled kernels. */
  dataCacheFolder: (): string => process.env.GIST_DATA_CACHE || process.env.GIST_CACHE_DIR || userCache(),
  /** Most bytes of cached training sets, given in GB; undefined: half of the disk. */
  cacheLimitBytes: (): number | undefined => {
    const gigabytes = positive('GIST_CACHE_LIMIT');
    return gigabytes === undefined ? undefined : gigabytes * 1e9;
  },
  /** Which TensorFlow library set-up downloads and binds: `cpu` or `cuda`. */
  tensorflow: (): string => process.env.GIST_TENSORFLOW || 'cpu',
  /** Number of the card that this process and its children use; undefined: all of them. */
  gpu: (): string | undefined => process.env.GIST_GPU || undefined,
  /** Cards for which a worker starts one worker each: `all`, or numbers; undefined: one card. */
  gpus: (): string | undefined => process.env.GIST_GPUS || undefined,
  /** Python with pip. */
  python: (): string => process.env.PYTHON || 'python3',
  /** C++ compiler; undefined: the first of the usual ones that is installed. */
  compiler: (): string | undefined => process.env.CXX || undefined,
  /** The user's checkout of the official StyleGAN3 code, for `train.engine: stylegan3`. */
  stylegan3Folder: (): string | undefined => process.env.GIST_STYLEGAN3_DIR || undefined,
  /** Python that the checkout runs on. */
  stylegan3Python: (): string => process.env.GIST_STYLEGAN3_PYTHON || 'python3',
  /**
   * Seconds without a tick after which the official trainer counts as hung; undefined: derived from
   * its speed.
   */
  stylegan3StallSeconds: (): number | undefined => positive('GIST_STYLEGAN3_STALL_SECONDS'),
  /** State of the embedded stack: by default `.gist/` in the current folder. */
  stateFolder: (): string => path.resolve(process.env.GIST_HOME ?? '.gist'),
  /** Webhook that receives the runs that need attention. */
  notifyUrl: (): string | undefined => process.env.GIST_NOTIFY_URL || undefined,
  /** Shell command that receives the runs that need attention on its standard input. */
  notifyCommand: (): string | undefined => process.env.GIST_NOTIFY_COMMAND || undefined,
  /** File that a worker writes once it polls; with the suffix `.problem`, why it does not. */
  readyFile: (): string | undefined => process.env.GIST_READY_FILE,
  /** Milliseconds from a signal to the end of a worker, for the last checkpoint of its training. */
  graceMs: (): number => time('GIST_GRACE') ?? DEFAULT_GRACE_MS,
  /**
   * Milliseconds within which heartbeats reach the server, and cancellations an activity. The
   * embedded worker, alone on its server, uses 3 s.
   */
  heartbeatThrottleMs: (): number => time('GIST_HEARTBEAT_THROTTLE') ?? 15_000,
  temporalAddress: (): string | undefined => process.env.TEMPORAL_ADDRESS,
  s3Endpoint: (): string | undefined => process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL,
  /**
   * Region of the S3 server; undefined: that of the AWS profile. Most servers other than Amazon's
   * ignore it.
   */
  s3Region: (): string | undefined =>
    process.env.AWS_REGION ??
    process.env.AWS_DEFAULT_REGION ??
    (process.env.AWS_PROFILE ? undefined : 'us-east-1'),
  /** Form of resampling filters, for measurements; undefined: the one that suits the device. */
  filterForm: (): string | undefined => process.env.GIST_FILTER_FORM || undefined,
  /** Address of a mirror of published weights; undefined: those of their publishers. */
  weightsUrl: (): string | undefined => process.env.GIST_WEIGHTS_URL || undefined,
  /** CPU threads of TensorFlow; undefined: all processors. */
  threads: (): number | undefined => positive('GIST_THREADS'),
};
