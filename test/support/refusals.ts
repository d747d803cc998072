/** What every refusal of the command has in common, and how a test asks for one. */
import assert from 'node:assert/strict';
import type { WireError } from '../../src/core/errors.js';
import type { Outcome } from './gist.js';

/** A name that stands for a patient's: it may be in file names and files, and nowhere else. */
export const PATIENT = 'DOE^JANE';

/** One bad input: the command line, and how it must be refused. */
export interface Refusal {
  /** Completes the sentence "refuses ...". */
  what: string;
  args: string[];
  type: string;
  code: number;
  /** Found in what is wrong and where. */
  says: RegExp;
}

/** The error that a command called with `--json` ended with. */
export function errorOf({ stderr }: Outcome): WireError {
  const line = stderr.split('\n').findLast((text) => text.startsWith('{"error"'));
  assert.ok(line, `no error was told: ${stderr}`);
  return (JSON.parse(line) as { error: WireError }).error;
}

/** The documented exit code, one error of its own type that says what, where and how to fix it; no result, no stack, no patient. */
export function assertRefused(outcome: Outcome, { type, code, says }: Omit<Refusal, 'what' | 'args'>): void {
  const error = errorOf(outcome);
  assert.equal(error.name, type, outcome.stderr);
  assert.match(`${error.where ?? ''}: ${error.what}`, says);
  assert.ok(error.hint, `nothing is said of fixing: ${outcome.stderr}`);
  assert.equal(outcome.code, code, outcome.stderr);
  assert.equal(outcome.stdout, '');
  assert.doesNotMatch(outcome.stderr, /\n\s+at /);
  assert.ok(!outcome.stderr.includes(PATIENT), outcome.stderr);
}
