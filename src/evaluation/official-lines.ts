/**
 * Metrics in the format of StyleGAN3's `metric-<name>.jsonl`: one line for each evaluated network,
 * so that tools for it read them.
 */
import { fullMetricName, METRICS, OFFICIAL_METRICS } from '../spec/metrics.js';
import type { CheckpointRef, CurvePoint } from '../spec/results.js';

export interface OfficialInput {
  /** Values by full name, compared with the training images as StyleGAN3 does. */
  metrics: Readonly<Record<string, number>>;
  curve: readonly CurvePoint[];
  checkpoint: CheckpointRef;
  /** Seconds since 1970. */
  timestamp: number;
}

/** Lines by file name, for each of StyleGAN3's metrics that was computed. */
export function officialLines({
  metrics,
  curve,
  checkpoint,
  timestamp,
}: OfficialInput): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of OFFICIAL_METRICS) {
    const lines = curve
      .filter(({ metric }) => metric === name)
      .map(({ kimg, value }) => line(name, { [name]: value }, kimg, timestamp));
    const results = finalResults(name, metrics);
    if (Object.keys(results).length > 0) lines.push(line(name, results, checkpoint.kimg, timestamp));
    if (lines.length > 0) files[`metric-${name}.jsonl`] = lines.map((text) => `${text}\n`).join('');
  }
  return files;
}

/** Names of StyleGAN3's results that are not those of the values. */
const RESULT_NAMES: Record<string, string> = {
  'pr50k3_full.precision': 'pr50k3_full_precision',
  'pr50k3_full.recall': 'pr50k3_full_recall',
  is50k: 'is50k_mean',
  'is50k.spread': 'is50k_std',
};

function finalResults(
  name: (typeof OFFICIAL_METRICS)[number],
  metrics: OfficialInput['metrics'],
): Record<string, number> {
  const pair = METRICS[name].pairs.find(
    (own) => own === 'train' || own === 'synthetic' || own === 'generator',
  );
  const named = METRICS[name].values
    .filter((value) => !(value === 'spread' && name !== 'is50k'))
    .map((value) => [fullMetricName(name, value), metrics[fullMetricName(name, pair ?? '', value)]] as const);
  return Object.fromEntries(
    named.flatMap(([full, value]) => (value === undefined ? [] : [[RESULT_NAMES[full] ?? full, value]])),
  );
}

/** The time of a metric is not recorded. */
function line(metric: string, results: Record<string, number>, kimg: number, timestamp: number): string {
  const snapshot = `network-snapshot-${String(Math.round(kimg)).padStart(6, '0')}.pkl`;
  return JSON.stringify({
    results,
    metric,
    total_time: null,
    total_time_str: null,
    num_gpus: 1,
    snapshot_pkl: snapshot,
    timestamp,
  });
}
