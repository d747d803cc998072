/** Where a training step's time goes: every operation of every phase, by TensorFlow's own traces. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';
import { configurationsOf, jobOf } from './train.mjs';

/** Lines of each kind in the table. */
const KINDS = 12;
const SLOWEST = 8;

/** @param only `stylegan2-32` and the like, separated by commas */
export function benchProfile(isQuick, { only }) {
  const profiles = configurationsOf(isQuick, only).map((configuration) => ({
    ...configuration,
    phases: profile(jobOf(configuration)),
  }));
  return { machine: machine(), profiles };
}

function profile(job) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-profile-'));
  try {
    measure(process.execPath, [path.join(ROOT, 'dist/bench/profile.js'), JSON.stringify({ ...job, folder })]);
    // As the trainer process sets them: TensorFlow reads these when it is loaded.
    const threads = String(availableParallelism());
    Object.assign(process.env, {
      TF_ENABLE_ONEDNN_OPTS: '1',
      TF_NUM_INTRAOP_THREADS: threads,
      TF_NUM_INTEROP_THREADS: '1',
      OMP_NUM_THREADS: threads,
      TF_CPP_MIN_LOG_LEVEL: '2',
    });
    const script = path.join(ROOT, 'bench/profile_graph.py');
    return measure(process.env.PYTHON ?? 'python3', [script, path.join(folder, 'job.json')]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function profileTable({ machine: on, profiles }) {
  return profiles
    .map(({ cfg, resolution, cbase, cmax, batch, phases }) => {
      const head = `${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch}, on ${on}`;
      return [head, ...Object.entries(phases).map(phaseTable)].join('\n');
    })
    .join('\n');
}

function phaseTable([name, { ms, leastMs, operations }]) {
  const kinds = new Map();
  for (const operation of operations) {
    const kind = kinds.get(operation.op) ?? { ms: 0, count: 0 };
    kinds.set(operation.op, { ms: kind.ms + operation.ms, count: kind.count + 1 });
  }
  const all = operations.reduce((sum, operation) => sum + operation.ms, 0);
  const line = (spent, text) =>
    `  ${spent.toFixed(2).padStart(9)} ms ${((100 * spent) / all).toFixed(1).padStart(5)} %  ${text}`;
  const byTime = (a, b) => b.ms - a.ms;
  return [
    '',
    `${name}: ${ms.toFixed(1)} ms, at least ${leastMs.toFixed(1)}; ${operations.length} operations take ${all.toFixed(1)} ms`,
    ...[...kinds]
      .map(([op, kind]) => ({ op, ...kind }))
      .sort(byTime)
      .slice(0, KINDS)
      .map((kind) => line(kind.ms, `${kind.op} x ${kind.count}`)),
    '  the slowest:',
    ...[...operations]
      .sort(byTime)
      .slice(0, SLOWEST)
      .map(({ node, op, ms: spent }) => line(spent, `${op}  ${node}`)),
    '',
  ].join('\n');
}
