/**
 * A sweep of many runs whose worker processes are killed throughout; trainings are replaced by ones
 * of a second. Prints one line of JSON.
 */
import { runKilledSweep } from '../test/support/killed-sweep.js';

const { result, overheads, cpuSeconds, ...rest } = await runKilledSweep({
  children: Number(process.argv[2] ?? 500),
  workers: 2,
  devices: 4,
  kimg: 10,
  kills: Number.POSITIVE_INFINITY,
  betweenKillsMs: 45_000,
});
const children = result.runs.done ?? 0;
const overhead = { median: overheads[Math.floor(overheads.length / 2)] ?? 0, longest: overheads.at(-1) ?? 0 };
process.stdout.write(
  `${JSON.stringify({ ...rest, children, overhead, cpuSeconds: cpuSeconds / children })}\n`,
);
