/** Metrics of snapshots in the store, so that no execution of a run evaluates one again. */
import { z } from 'zod';
import type { OnProgress } from '../core/progress.js';
import type { SnapshotInput } from '../spec/compute-tasks.js';
import type { CurvePoint } from '../spec/results.js';
import { canonicalJson } from '../storage/digest.js';
import { findJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { trainPrefix } from './manifest.js';

const recordSchema = z.object({
  /** What the metrics were computed with. */
  settings: z.string(),
  points: z.array(
    z.object({
      kimg: z.number(),
      metric: z.string(),
      value: z.number(),
      spread: z.number().optional(),
      interval: z.object({ low: z.number(), high: z.number() }).optional(),
    }),
  ),
});

/** Whose snapshots are evaluated, and with which settings. */
type Evaluated = Pick<SnapshotInput, 'runId' | 'dataset' | 'train'>;

const curvePrefix = (runId: string) => `${trainPrefix(runId)}curve/`;
const keyOf = ({ runId, snapshot }: SnapshotInput) => `${curvePrefix(runId)}${snapshot.step}.json`;

function settingsOf({ dataset, train }: Evaluated): string {
  return canonicalJson([dataset.digest, train.snapshotMetrics, train.snapshotImages]);
}

/** null unless the snapshot was evaluated with the same settings. */
export async function findPoints(store: ObjectStore, input: SnapshotInput): Promise<CurvePoint[] | null> {
  const record = await findJson(store, keyOf(input), recordSchema);
  return record?.settings === settingsOf(input) ? record.points : null;
}

/** A metric of a snapshot, whatever it was evaluated with; null: it has none yet. */
export async function findValue(
  store: ObjectStore,
  runPrefix: string,
  { step, metric }: { step: number; metric: string | null },
): Promise<number | null> {
  const record = await findJson(store, `${runPrefix}curve/${step}.json`, recordSchema);
  const points = record?.points ?? [];
  return (points.find((point) => point.metric === metric) ?? points[0])?.value ?? null;
}

export async function recordPoints(
  store: ObjectStore,
  input: SnapshotInput,
  points: CurvePoint[],
): Promise<void> {
  await putJson(store, keyOf(input), { settings: settingsOf(input), points });
}

/** The points of all snapshots that were evaluated with these settings, in order. */
export async function storedCurve(
  store: ObjectStore,
  training: Evaluated,
  onProgress: OnProgress,
): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [];
  let done = 0;
  for await (const { key } of store.list(curvePrefix(training.runId))) {
    const record = await findJson(store, key, recordSchema);
    if (record?.settings === settingsOf(training)) points.push(...record.points);
    onProgress({ done: ++done, unit: 'snapshots' });
  }
  return points.sort((a, b) => a.kimg - b.kimg);
}
