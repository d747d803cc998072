/** What every process of GIST does first. */

/** Hosts that no proxy may come between: servers of the embedded stack, proxies of the tests. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Keeps connections to this machine away from proxies, whatever libraries read. */
export function bypassProxies(env: NodeJS.ProcessEnv = process.env): void {
  const all = withLoopback(env.no_proxy, env.NO_PROXY);
  env.no_proxy = all;
  env.NO_PROXY = all;
  if (env.no_grpc_proxy !== undefined) env.no_grpc_proxy = withLoopback(env.no_grpc_proxy);
}

function withLoopback(...lists: (string | undefined)[]): string {
  const given = lists.flatMap((list) => list?.split(',') ?? []);
  const names = given.map((name) => name.trim()).filter((name) => name !== '');
  return [...new Set([...names, ...LOOPBACK])].join(',');
}

/** Files that this process and its children write are for their user only. */
export function keepFilesPrivate(): void {
  process.umask(0o077);
}

/**
 * `GIST_GPU` hides the other cards, from libraries and from child processes. In a list of
 * `CUDA_VISIBLE_DEVICES`, as SLURM gives one, it counts from its first card; one card there stays.
 * Cards have the numbers that `nvidia-smi` shows, where CUDA would put the fastest first.
 */
export function chooseGpu(env: NodeJS.ProcessEnv = process.env): void {
  env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  if (!env.GIST_GPU) return;
  const given = visibleCards(env);
  if (given === null) env.CUDA_VISIBLE_DEVICES = env.GIST_GPU;
  else if (given.length > 1) env.CUDA_VISIBLE_DEVICES = given[Number(env.GIST_GPU)] ?? '-1';
}

/** The list of `CUDA_VISIBLE_DEVICES`; null: all cards of the machine. */
export function visibleCards(env: NodeJS.ProcessEnv = process.env): string[] | null {
  return env.CUDA_VISIBLE_DEVICES?.split(',').map((card) => card.trim()) ?? null;
}

let isStarted = false;

/** Whether this process is one in the background, which outlives the mount of a disk. */
export function isService(): boolean {
  return isStarted;
}

/**
 * For processes in the background: private files, no proxy for this machine, their card, and a log
 * that cannot be written, on a full disk or to a closed pipe, ends nothing.
 */
export function startService(): void {
  isStarted = true;
  keepFilesPrivate();
  bypassProxies();
  chooseGpu();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGUSR1'] as const;

/**
 * Calls `stop` on the first request to stop; later ones change nothing. A terminal, SLURM and
 * systemd send their signals to every process of a group or a job.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let isStopping = false;
  for (const name of STOP_SIGNALS)
    process.on(name, (signal) => {
      if (isStopping) return;
      isStopping = true;
      stop(signal);
    });
}

/** For processes that another process of GIST stops. */
export function ignoreStopSignals(): void {
  onStopSignal(() => undefined);
}
