/** Asks NVIDIA's driver about graphics cards. */
import { spawnSync } from 'node:child_process';

/**
 * @param fields of `nvidia-smi --query-gpu`; memory is in MiB.
 * @param card number or UUID; all cards by default.
 * @param command the driver's program.
 * @returns the values of each card, in the order of the fields; empty without a card or a driver.
 */
export function queryCards(
  fields: readonly string[],
  { card, command = 'nvidia-smi' }: { card?: string; command?: string } = {},
): string[][] {
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  if (card !== undefined) args.unshift(`--id=${card}`);
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return [];
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((value) => value.trim()));
}
