/** Assertions on refusals of the command. */
import assert from 'node:assert/strict';
import type { WireError } from '../../src/core/errors.js';
import type { Outcome } from './gist.js';

/** A patient's name. It may appear in files and their names, but not in messages. */
export const PATIENT = 'DOE^JANE';

/** A command line with invalid input, and the expected error. */
export interface Refusal {
  /** Name of the test. */
  name: string;
  args: string[];
  type: string;
  code: number;
  /** Matches `where: what` of the error. */
  says: RegExp;
}

/** The error that a command called with `--json` ended with. */
export function errorOf({ stderr }: Outcome): WireError {
  const line = stderr.split('\n').findLast((text) => text.startsWith('{"error"'));
  assert.ok(line, `no error was reported: ${stderr}`);
  return (JSON.parse(line) as { error: WireError }).error;
}

/**
 * Asserts the exit code and one error of the given type with message and hint, without output,
 * stack or a patient's name.
 */
export function assertRefused(outcome: Outcome, { type, code, says }: Omit<Refusal, 'name' | 'args'>): void {
  const error = errorOf(outcome);
  assert.equal(error.name, type, outcome.stderr);
  assert.match(`${error.where ?? ''}: ${error.what}`, says);
  assert.ok(error.hint, `the error has no hint: ${outcome.stderr}`);
  assert.equal(outcome.code, code, outcome.stderr);
  assert.equal(outcome.stdout, '');
  assert.doesNotMatch(outcome.stderr, /\n\s+at /);
  assert.ok(!outcome.stderr.includes(PATIENT), outcome.stderr);
}
