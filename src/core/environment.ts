/** The one place that reads the environment: every variable GIST knows, with its default. */
import { homedir } from 'node:os';
import path from 'node:path';

const DEFAULT_TASK_QUEUE = 'gist';
const DEFAULT_GPU_TASK_QUEUE = 'gist-gpu';

/** Read at each call, so that a test or a command may set a variable first. */
export const environment = {
  /** Task queue of workflows and CPU activities. */
  taskQueue: (): string => process.env.GIST_TASK_QUEUE ?? DEFAULT_TASK_QUEUE,
  /** Task queue of activities that want a GPU. */
  gpuTaskQueue: (): string => process.env.GIST_GPU_TASK_QUEUE ?? DEFAULT_GPU_TASK_QUEUE,
  /** Address of the object store that runs and data sets live in. */
  storeUri: (): string => process.env.GIST_STORE ?? 's3://gist/',
  /** Per-user cache of downloads. */
  cacheFolder: (): string =>
    process.env.GIST_CACHE_DIR ||
    path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'gist'),
  /** Which TensorFlow library set-up downloads and binds: `cpu` or `cuda`. */
  tensorflow: (): string => process.env.GIST_TENSORFLOW || 'cpu',
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
  stylegan3StallSeconds: (): number | undefined =>
    Number(process.env.GIST_STYLEGAN3_STALL_SECONDS) || undefined,
  /** State of the embedded stack: by default `.gist/` in the current folder. */
  stateFolder: (): string => path.resolve(process.env.GIST_HOME ?? '.gist'),
  /** Webhook that receives the runs that need attention. */
  notifyUrl: (): string | undefined => process.env.GIST_NOTIFY_URL || undefined,
  /** Shell command that receives the runs that need attention on its standard input. */
  notifyCommand: (): string | undefined => process.env.GIST_NOTIFY_COMMAND || undefined,
  /** File that a worker writes once it polls. */
  readyFile: (): string | undefined => process.env.GIST_READY_FILE,
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
  /** CPU threads of TensorFlow; undefined: all processors. */
  threads: (): number | undefined =>
    process.env.GIST_THREADS ? Number(process.env.GIST_THREADS) : undefined,
};
