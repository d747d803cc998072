/** Asks NVIDIA's driver about graphics cards. */
import { spawnSync } from 'node:child_process';

/** With a failed card the driver may never answer. */
const TIMEOUT_MS = 10_000;

interface QueryOptions {
  card?: string;
  command?: string;
  timeoutMs?: number;
}

/**
 * @param fields of `nvidia-smi --query-gpu`; memory is in MiB.
 * @param card number or UUID; all cards by default.
 * @param command the driver's program.
 * @returns the values of each card, in the order of the fields; empty without a card or a driver,
 *   and when the driver does not answer in time.
 */
export function queryCards(
  fields: readonly string[],
  { card, command = 'nvidia-smi', timeoutMs = TIMEOUT_MS }: QueryOptions = {},
): string[][] {
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  if (card !== undefined) args.unshift(`--id=${card}`);
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  if (status !== 0) return [];
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((value) => value.trim()));
}
