/** Times of all operations of the phases of a training step, from TensorFlow traces. */
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';
import { configurationsOf, jobOf } from './train.mjs';

const PROGRAM = path.join(ROOT, 'dist/bench/profile.js');
/** Number of operation types and of slowest operations in the table. */
const KINDS = 12;
const SLOWEST = 8;

/** @param only names such as `stylegan2-32`, separated by commas */
export function benchProfile(isQuick, { only }) {
  const profiles = configurationsOf(isQuick, only).map((configuration) => ({
    ...configuration,
    phases: measure(process.execPath, [PROGRAM, JSON.stringify(jobOf(configuration))]),
  }));
  return { machine: machine(), profiles };
}

export function profileTable({ machine: on, profiles }) {
  return profiles
    .map(({ cfg, resolution, cbase, cmax, batch, phases }) => {
      const head = `${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch}, on ${on}`;
      return [head, ...Object.entries(phases).map(phaseTable)].join('\n');
    })
    .join('\n');
}

function phaseTable([name, { ms, minMs, operations }]) {
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
    `${name}: median ${ms.toFixed(1)} ms, minimum ${minMs.toFixed(1)} ms; ${operations.length} operations take ${all.toFixed(1)} ms`,
    ...[...kinds]
      .map(([op, kind]) => ({ op, ...kind }))
      .sort(byTime)
      .slice(0, KINDS)
      .map((kind) => line(kind.ms, `${kind.op} x ${kind.count}`)),
    '  slowest operations:',
    ...[...operations]
      .sort(byTime)
      .slice(0, SLOWEST)
      .map(({ node, op, ms: spent }) => line(spent, `${op}  ${node}`)),
    '',
  ].join('\n');
}
